"""Admin page for days on which fal's billing records and ours differ."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.admin.read_only import ReadOnly
from generations.models import UsageDay, dollars


@admin.register(UsageDay)
class UsageDayAdmin(ReadOnly, admin.ModelAdmin[UsageDay]):
    list_display = ("day", "our_videos", "ours", "theirs", "difference", "what_to_do", "compared_at")
    list_filter = ("day",)
    search_fields = ("problem",)
    date_hierarchy = "day"

    @admin.display(description=gettext_lazy("our records"), ordering="our_cents")
    def ours(self, day: UsageDay) -> str:
        return dollars(day.our_cents)

    @admin.display(description=gettext_lazy("fal's records"), ordering="fal_cents")
    def theirs(self, day: UsageDay) -> str:
        return "–" if day.fal_cents is None else dollars(day.fal_cents)

    @admin.display(description=gettext_lazy("drift"))
    def difference(self, day: UsageDay) -> str | SafeString:
        if not day.difference_cents:
            return "–" if day.difference_cents is None else dollars(0)
        sign = "+" if day.difference_cents > 0 else "−"
        return format_html("<strong>{}{}</strong>", sign, dollars(abs(day.difference_cents)))

    @admin.display(description=gettext_lazy("what to do"))
    def what_to_do(self, day: UsageDay) -> str:
        if day.problem:
            return _("fal could not be read: %s") % day.problem
        if not day.difference_cents:
            return ""
        if day.difference_cents > 0:
            return _("Look in fal’s dashboard for requests that are not ours, and here for those that need a person.")
        return _("Look whether the day beside it makes up for it, and whether the price list is still fal’s.")
