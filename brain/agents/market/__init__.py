"""Agents of market supervision 市场监管."""
