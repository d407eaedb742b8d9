"""Where: the one map, coordinates and the way from a point to its grid. Arrays in, arrays out."""
