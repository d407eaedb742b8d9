"""One that names the rows of which it need not be asked."""
