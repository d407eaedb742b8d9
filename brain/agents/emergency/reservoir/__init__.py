"""Reservoirs 水库 that rise: hours to the flood limit and to the crest, and the grids below."""
