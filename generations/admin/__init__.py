"""For staff: windows on every table, and what only a person can decide."""

from django.contrib import admin

from generations.admin import cases, decisions, drift, generation, rules, windows

__all__ = ["cases", "decisions", "drift", "generation", "rules", "windows"]

admin.site.site_header = admin.site.site_title = "Kling Studio"
