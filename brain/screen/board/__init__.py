"""The state of the command centre in memory: incidents as they stand, how they came to, and who is told of it."""
