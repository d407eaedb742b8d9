"""The application: it composes streams, geo and models, and nothing imports it."""
