"""What each role in a team may do: one table, read by the pages, the checks and the tests."""

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
    DELETE = "delete"  # what others have made; one's own needs no right


MAY: Final[dict[Role, frozenset[Action]]] = {
    Role.OWNER: frozenset({Action.VIEW, Action.GENERATE, Action.DELETE}),
    Role.ADMIN: frozenset({Action.VIEW, Action.GENERATE, Action.DELETE}),
    Role.MEMBER: frozenset({Action.VIEW, Action.GENERATE}),
    Role.VIEWER: frozenset({Action.VIEW}),
}


def roles_that_may(action: Action) -> list[Role]:
    return [role for role, actions in MAY.items() if action in actions]
