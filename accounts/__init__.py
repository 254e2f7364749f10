"""Users and teams. Imports nothing of generations."""
