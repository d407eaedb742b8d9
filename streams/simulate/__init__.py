"""The seeded fault simulator: the whole engine on the memory log, one step at a time, faults between any two steps."""
