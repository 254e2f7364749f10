"""For staff: windows on every table, and what only a person can decide."""

from generations.admin import drift, generation, windows

__all__ = ["drift", "generation", "windows"]
