"""What a domain team works with: tests in the scenario's file, lint, lock, and the form of a new one."""
