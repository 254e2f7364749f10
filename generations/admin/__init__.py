"""Admin pages for staff: every table, the moderators' queue, and what only a person can decide."""

from django.conf import settings
from django.contrib import admin

from generations.admin import cases, decisions, generation, read_only, rules, usage_days

__all__ = ["cases", "decisions", "generation", "read_only", "rules", "usage_days"]

admin.site.site_header = admin.site.site_title = settings.SITE_NAME
