"""Drills: recorded data and invented stories that feed the brain at a chosen speed."""
