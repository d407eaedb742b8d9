"""The fault simulator with all that is real: the lane of readings, and the city with its shadow book, combinations and
agents, while scenarios are promoted and taken back."""
