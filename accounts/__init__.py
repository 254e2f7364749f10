"""People and teams. Knows nothing of generations."""
