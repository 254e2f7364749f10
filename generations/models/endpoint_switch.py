"""Which endpoints of fal a team may use: all that have not ended, but for those that an admin has switched off."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from config.prepared_query import PreparedQuery
from generations.fal.arguments import Endpoint
from generations.models.price import Price, endpoint_choices, endpoint_name


class EndpointSwitchManager(models.Manager["EndpointSwitch"]):
    def refusal(self, team: Team, endpoint: Endpoint) -> str:
        """Why the team may order nothing of the endpoint now, in a sentence or two; blank: it may."""
        end = endpoint.terms.ends_on
        if end and end <= timezone.localdate():
            message = gettext("%(name)s ended on %(day)s. Choose another quality.")
            return message % {"name": endpoint_name(endpoint), "day": date_format(end)}
        if _is_on(_OF_TEAM.rows(team.pk), team, endpoint):
            return ""
        message = gettext("%(name)s is switched off for %(team)s. Choose another quality, or ask an admin.")
        return message % {"name": endpoint_name(endpoint), "team": team}

    def offered(self, teams: Iterable[Team]) -> dict[Endpoint, dict[str, int]]:
        """What at least one of the teams may use today, with its prices by duration, in the order of the table.

        What has no price can't be ordered and is left out. One query for the prices and the switches.
        """
        today, own = timezone.localdate(), list(teams)
        mine = self.filter(Q(team=None) | Q(team__in=own), endpoint=OuterRef("endpoint")).order_by()
        found = ArraySubquery(mine.values(found=JSONObject(team="team", is_on="is_on")))
        prices = list(Price.objects.annotate(switches=found).order_by("read_on"))
        offered: dict[Endpoint, dict[str, int]] = {}
        for endpoint in Endpoint:
            rows = [price for price in prices if price.endpoint == endpoint]
            switches = _unpack(endpoint, rows[0].switches) if rows else []
            if rows and not endpoint.has_ended(today) and any(_is_on(switches, team, endpoint) for team in own):
                offered[endpoint] = {str(price.seconds): price.cents for price in rows}
        return offered


class EndpointSwitch(models.Model):
    """On or off for a team, or for every team that has no switch of its own."""

    endpoint = models.CharField(_("endpoint"), max_length=100, choices=endpoint_choices)
    team = models.ForeignKey(
        Team,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="endpoint_switches",
        verbose_name=_("team"),
        help_text=_("Blank: every team that has no switch of its own."),
    )
    is_on = models.BooleanField(_("is on"), default=False, help_text=_("Whether new videos may be ordered of it."))

    objects: ClassVar[EndpointSwitchManager] = EndpointSwitchManager()

    class Meta:
        ordering: ClassVar = ["endpoint", "team__name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "endpoint"], name="endpoint_switch_once_a_team"),
            models.UniqueConstraint(
                fields=["endpoint"], condition=Q(team=None), name="endpoint_switch_once_for_all_teams"
            ),
        ]
        verbose_name = _("endpoint switch")
        verbose_name_plural = _("endpoint switches")

    def __str__(self) -> str:
        words = gettext("%(name)s: on for %(team)s") if self.is_on else gettext("%(name)s: off for %(team)s")
        return words % {"name": self.get_endpoint_display(), "team": self.team or gettext("all other teams")}


def _unpack(endpoint: Endpoint, found: list[dict[str, Any]]) -> list[EndpointSwitch]:
    return [
        EndpointSwitch(endpoint=endpoint, team_id=one["team"] and uuid.UUID(one["team"]), is_on=one["is_on"])
        for one in found
    ]


def _is_on(switches: Iterable[EndpointSwitch], team: Team, endpoint: Endpoint) -> bool:
    """A team's own switch goes before the one for all."""
    found = {switch.team_id: switch.is_on for switch in switches if switch.endpoint == endpoint}
    return found.get(team.pk, found.get(None, True))


_OF_TEAM: Final = PreparedQuery(
    lambda team: EndpointSwitch.objects.filter(Q(team=None) | Q(team=team)).order_by(), uuid.UUID(int=51)
)
