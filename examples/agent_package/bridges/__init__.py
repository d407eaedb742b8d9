"""Agents of the bridge department: an example of a package outside the tree."""
