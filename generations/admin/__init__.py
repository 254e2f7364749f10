"""For staff: windows on every table, and what only a person can decide."""

from generations.admin import cases, decisions, drift, generation, rules, windows

__all__ = ["cases", "decisions", "drift", "generation", "rules", "windows"]
