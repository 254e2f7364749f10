"""Who is asking: a key's person, with what that person may do in the key's team at this moment. No session is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from accounts.rights import Rights
from accounts.roles import ROLE_ACTIONS, Action, Role
from api.models import Key, Scope
from api.models.key import prefix_of
from config.prepared_query import SAMPLE_MOMENT, PreparedQuery
from config.server.environ import client_address

INVALID: Final = "invalid key credentials"  # fal's words
PROJECT_HEADER: Final = "X-Studio-Project"
_SCHEMES: Final = frozenset({"key", "bearer"})


class AuthenticationError(Exception):
    """401 for a key that opens nothing; 403 for one that does not allow this. `detail` says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that acts for `user` in `team` by `key`.

    What the user may see and do is for this caller what they may in this one team: `user.rights` knows no other.
    `project` is as the request names it; None: not at all.
    """

    key: Key
    user: User
    team: Team
    project: str | None = None


def authenticate(request: HttpRequest, *scopes: Scope, action: Action | None = None) -> Caller:
    """The caller, whose key has one of these scopes and whose person's role allows it. Raises AuthenticationError.

    What the role has to allow is the scope's action, or else `action`.
    """
    token = _token(request.headers.get("Authorization", ""))
    key = _find(token)
    _require_person(key)
    _require_scope(key, scopes, action)
    if not key.admits(client_address(request.META, settings.TRUSTED_PROXIES)):
        raise AuthenticationError(403, _("This key may not be used from this address."))
    key.record_use()
    request.META["REMOTE_USER"] = str(key.user_id)  # CGI's name: by it the server counts a person's transfers
    return Caller(key, _with_rights(key), key.team, request.headers.get(PROJECT_HEADER))


def _with_rights(key: Any) -> User:
    """The person, with the one membership that was just read."""
    user: User = key.user
    membership: Any = Membership(team=key.team, user=user, role=key.role)
    membership.has_second_factor = True  # where the team asks for one, `role` says that it is there
    membership.left = []
    user.known_memberships = [membership]
    user.rights = Rights(user)
    return user


def _token(header: str) -> str:
    scheme, _space, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() in _SCHEMES else ""


def _find(token: str) -> Key:
    """The key, with its person, its team, and `role`, the person's there."""
    prefix = prefix_of(token)
    found: list[Key] = _KEYS.rows(prefix, timezone.now()) if prefix else []
    if not found or not found[0].matches(token) or not found[0].is_alive:
        raise AuthenticationError(401, INVALID)
    return found[0]


def _keys(prefix: str, now: datetime) -> "QuerySet[Key]":
    """`role` is that of a person who may do anything in the team now, or else none."""
    own = {"team": OuterRef("team"), "user": OuterRef("user")}
    role = Membership.objects.who_may(Action.VIEW, now).filter(**own).values("role")[:1]
    found: QuerySet[Key] = Key.objects.filter(prefix=prefix).select_related("user", "team")
    return found.annotate(role=Subquery(role))


_KEYS: Final[PreparedQuery[Any]] = PreparedQuery(_keys, "the prefix", SAMPLE_MOMENT)


def _require_person(key: Any) -> None:
    if key.role is not None:
        return
    if not key.user.is_active or key.user.is_suspended:
        raise AuthenticationError(403, _("The person of this key is suspended."))
    raise AuthenticationError(403, _("The person of this key may not act in %s any more.") % key.team)


def _require_scope(key: Any, scopes: tuple[Scope, ...], action: Action | None) -> None:
    own = [scope for scope in scopes if scope in key.scopes]
    if scopes and not own:
        needed = _(" or ").join(scopes)
        raise AuthenticationError(403, _("This key lacks the scope %s.") % needed)
    allowed = ROLE_ACTIONS[Role(key.role)]
    if scopes and not any((action or scope.action) in allowed for scope in own):
        message = _("The role of this key’s person in %s does not allow this.")
        raise AuthenticationError(403, message % key.team)
