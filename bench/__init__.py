"""Measurements. Each module is run by itself, prints a table, and fails when it misses a target."""
