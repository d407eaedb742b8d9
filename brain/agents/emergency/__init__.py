"""Agents of the domain emergency 应急."""
