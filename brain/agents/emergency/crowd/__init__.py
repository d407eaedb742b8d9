"""Crowds 人群 at a site, by several cameras: density, trend and flow towards the exit."""
