"""For staff: windows on every table, and what only a person can decide."""

from generations.admin import generation, windows

__all__ = ["generation", "windows"]
