"""Read access to the layers of the one map by OGC API - Features (17-069r4, 18-058r1 for reference systems)."""
