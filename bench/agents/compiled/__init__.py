"""One whose loop is compiled."""
