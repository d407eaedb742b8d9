"""Gas leaks 燃气泄漏 with the ground that the gas reaches in the wind of the minute, and the people on it."""
