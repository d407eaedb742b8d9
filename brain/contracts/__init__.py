"""What passes between the brain and other systems: schemas of the topics, and mappings to public standards."""
