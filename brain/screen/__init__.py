"""The HTTP side of the brain: an application made of routers, one folder a concern; the map's layers are the first."""
