"""fal's prices: data with the date on which it was read, edited in the admin."""

from typing import Any, ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.prepared_query import PreparedQuery
from generations.fal.arguments import Duration, Endpoint, Quality, Source

_NAMES: Final = {
    (Source.TEXT, Quality.PRO): _("Text to video"),
    (Source.IMAGE, Quality.PRO): _("Image to video"),
    (Source.TEXT, Quality.DRAFT): _("Text to video, draft"),
    (Source.IMAGE, Quality.DRAFT): _("Image to video, draft"),
}
DURATION_CHOICES = [(int(duration), _("%s seconds") % duration) for duration in Duration]


def endpoint_name(endpoint: Endpoint) -> str:
    """What people call it."""
    return str(_NAMES[endpoint.source, endpoint.quality])


def endpoint_choices() -> list[tuple[str, Any]]:
    return [(endpoint.value, _NAMES[endpoint.source, endpoint.quality]) for endpoint in Endpoint]


def dollars(cents: int) -> str:
    """35 → $0.35"""
    return f"${cents / 100:,.2f}"


class PriceManager(models.Manager["Price"]):
    def cents(self, endpoint: Endpoint, seconds: int) -> int:
        """Today's price in US cents. Raises Price.DoesNotExist when nobody has entered one."""
        return self.filter(endpoint=endpoint, seconds=seconds).latest("read_on").cents

    def cents_or_zero(self, endpoint: str, seconds: int) -> int:
        """The same for what is charged already; 0 when nobody has entered a price."""
        return self.table().get(endpoint, {}).get(str(seconds), 0)

    def table(self) -> dict[str, dict[str, int]]:
        """Today's prices in US cents by endpoint and duration, for the composer."""
        table: dict[str, dict[str, int]] = {}
        for price in _PRICES.rows():
            table.setdefault(price.endpoint, {})[str(price.seconds)] = price.cents
        return table


class Price(models.Model):
    endpoint = models.CharField(_("endpoint"), max_length=100, choices=endpoint_choices)
    seconds = models.PositiveSmallIntegerField(_("seconds"), choices=DURATION_CHOICES)
    cents = models.PositiveIntegerField(_("US cents"))
    read_on = models.DateField(_("read on"), help_text=_("The day on which fal's price list said so."))

    objects: ClassVar[PriceManager] = PriceManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "seconds", "read_on"], name="price_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.get_endpoint_display()}, {self.seconds} s: {dollars(self.cents)}"


_PRICES: Final = PreparedQuery(lambda: Price.objects.order_by("read_on"))
