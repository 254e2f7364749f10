"""What each role in a team may do: one table for the pages, the checks and the tests."""

from enum import StrEnum
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")
    VIEWER = "viewer", _("Viewer")


class Action(StrEnum):
    VIEW = "view"
    GENERATE = "generate"
    SHARE = "share"
    DELETE = "delete"  # what others have made; one's own needs no right
    MANAGE = "manage"
    BUDGET = "budget"
    APPROVE = "approve"
    USAGE = "usage"
    OWN = "own"
    PAUSE = "pause"


ACTION_LABELS: Final = {
    Action.VIEW: _("View and download the team’s videos"),
    Action.GENERATE: _("Generate videos, cancel and retry, edit tags and projects"),
    Action.SHARE: _("Share videos by a link with people outside the team"),
    Action.DELETE: _("Delete other members’ videos"),
    Action.MANAGE: _("Rename the team, invite and remove members, change roles"),
    Action.BUDGET: _("Set monthly limits for the team and each member"),
    Action.APPROVE: _("Approve requests above the threshold (own requests exempt)"),
    Action.USAGE: _("See every member’s usage (everybody sees their own)"),
    Action.OWN: _("Change who is an owner, require two-factor authentication, delete the team"),
    Action.PAUSE: _("Pause and resume the team’s queue"),
}

_MEMBER: Final = frozenset({Action.VIEW, Action.GENERATE, Action.SHARE})
_ADMIN: Final = _MEMBER | {Action.DELETE, Action.MANAGE, Action.BUDGET, Action.APPROVE, Action.USAGE}

ROLE_ACTIONS: Final[dict[Role, frozenset[Action]]] = {
    Role.OWNER: _ADMIN | {Action.OWN, Action.PAUSE},
    Role.ADMIN: _ADMIN,
    Role.MEMBER: _MEMBER,
    Role.VIEWER: frozenset({Action.VIEW}),
}


def roles_that_may(action: Action) -> list[Role]:
    return [role for role, actions in ROLE_ACTIONS.items() if action in actions]
