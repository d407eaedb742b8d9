"""The next version of the tally: its state has one number more."""
