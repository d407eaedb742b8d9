"""An agent that loops over its rows."""
