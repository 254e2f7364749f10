"""What a user can show to prove who they are, besides a password."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists

from accounts.models import User

PROVIDER: Final = "oidc"


@dataclass(frozen=True, slots=True)
class Credentials:
    factors: tuple[str, ...]  # the Authenticator.Type of each
    signs_in_by_provider: bool

    def has_any_of(self, types: Iterable[str] | None) -> bool:
        """Any at all for None."""
        return bool(self.factors if types is None else set(types).intersection(self.factors))


def credentials_of(user: Any) -> Credentials:
    """As they are now; read once for a request that changes nothing, of which allauth asks many times."""
    changes_nothing = context.request is not None and context.request.method in {"GET", "HEAD"}
    if user.known_credentials is None or not changes_nothing:
        user.known_credentials = _read(user.pk)
    found: Credentials = user.known_credentials
    return found


def _read(key: int) -> Credentials:
    factors = ArraySubquery(Authenticator.objects.filter(user=key).values("type"))
    by_provider = Exists(SocialAccount.objects.filter(user=key, provider=PROVIDER))
    found: Any = User.objects.filter(pk=key).values_list(factors, by_provider).first() or ((), False)
    return Credentials(tuple(found[0]), found[1])
