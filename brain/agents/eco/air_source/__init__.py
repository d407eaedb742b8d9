"""Neighbourhood air 街区空气: which site upwind a local rise comes from, by many small stations and the wind."""
