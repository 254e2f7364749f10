"""What people are told of, and by which channels: the table behind the settings page. Knows no models."""

from collections.abc import Iterator, Mapping
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

Settings = Mapping[str, Mapping[str, bool]]  # kind → channel → on or off; what is missing is as usual


class Kind(models.TextChoices):
    ORDER = "order", _("Finished orders")
    APPROVAL = "approval", _("Approvals")
    INVITATION = "invitation", _("Invitations")
    MEMBERSHIP = "membership", _("Team membership")
    TAKE_DOWN = "take_down", _("Videos taken down")
    REPORT = "report", _("Reports and cases")
    REVIEW = "review", _("Comments and verdicts")


class Channel(models.TextChoices):
    BELL = "bell", _("Bell")
    EMAIL = "email", _("Email")
    BROWSER = "browser", _("Browser")


KIND_TEXTS: Final = {
    Kind.ORDER: _("Your videos are ready, or could not be made."),
    Kind.APPROVAL: _("Somebody in a team of yours asks to spend more than the team's amount."),
    Kind.INVITATION: _("Somebody invites you to a team."),
    Kind.MEMBERSHIP: _("You were removed from a team, your role changed, or a team was deleted."),
    Kind.TAKE_DOWN: _("Moderators removed or restored a video of yours, or of a team that you manage."),
    Kind.REPORT: _("A video of a team that you manage was reported. For moderators: all reports, and cases for you."),
    Kind.REVIEW: _("Somebody commented on, approved or asked to change a video of yours, or one that you reviewed."),
}

# the channels that a kind has, and whether they are on as long as nobody has said otherwise
DEFAULTS: Final[Mapping[Kind, Mapping[Channel, bool]]] = {
    Kind.ORDER: {Channel.BELL: True, Channel.EMAIL: True, Channel.BROWSER: False},
    Kind.APPROVAL: {Channel.BELL: True, Channel.EMAIL: True},
    Kind.INVITATION: {Channel.BELL: True, Channel.EMAIL: True},
    Kind.MEMBERSHIP: {Channel.BELL: True, Channel.EMAIL: True},
    Kind.TAKE_DOWN: {Channel.BELL: True, Channel.EMAIL: True},
    Kind.REPORT: {Channel.BELL: True, Channel.EMAIL: False},
    Kind.REVIEW: {Channel.BELL: True, Channel.EMAIL: True},
}


def is_on(settings: Settings, kind: Kind, channel: Channel) -> bool:
    """What the person has said, or else what is usual."""
    return settings.get(kind, {}).get(channel, DEFAULTS[kind].get(channel, False))


def cells() -> Iterator[tuple[Kind, Channel]]:
    """Every switch that there is."""
    return ((kind, channel) for kind, channels in DEFAULTS.items() for channel in channels)
