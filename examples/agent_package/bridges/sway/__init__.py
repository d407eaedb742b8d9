"""sway."""
