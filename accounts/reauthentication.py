"""Users prove again who they are before they change their credentials.

allauth asks for the password or the second factor, and lets users pass who have neither. Those signed in by OpenID, so
their provider is asked instead.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import reauthentication_required as allauths_required
from allauth.account.internal.flows.login import record_authentication
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.credentials import PROVIDER, credentials_of

_PURPOSE: Final = "reauthenticate"  # of the state that comes back with the browser

View = TypeVar("View", bound=Callable[..., Any])


def reauthentication_required(view: View) -> View:
    """Leads the person to show it first, and back with what they sent. For views that somebody is signed in to."""
    return cast("View", allauths_required(view))


def provider_name(user: Any) -> str | None:
    """The provider that can ask the user; None when they do not sign in there."""
    providers: dict[str, Any] = settings.SOCIALACCOUNT_PROVIDERS  # the only place of apps; see accounts.account_admin
    apps = providers.get("openid_connect", {}).get("APPS", [])
    return str(apps[0]["name"]) if apps and credentials_of(user).signs_in_by_provider else None


def is_recent(request: HttpRequest) -> bool:
    """Whether the person has shown it in this session, within `ACCOUNT_REAUTHENTICATION_TIMEOUT`."""
    records = get_authentication_records(request, request.user)
    oldest = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    return any(record.get("reauthenticated") and record["at"] > oldest for record in records)


def ask_provider(request: HttpRequest, back: str) -> Any:
    """The redirect there. `prompt` and `max_age` (OpenID Connect Core, 3.1.2.1) say: ask also who is signed in."""
    provider = get_adapter().get_provider(request, PROVIDER)
    parameters = {**provider.get_auth_params(), "prompt": "login", "max_age": "0"}
    return provider.redirect(request, AuthProcess.REDIRECT, next_url=back, data=_PURPOSE, auth_params=parameters)


def is_provider_response(sociallogin: Any) -> bool:
    """Whether the provider answers `ask_provider`, and not a sign-in."""
    return (sociallogin.state.get("process"), sociallogin.state.get("data")) == (AuthProcess.REDIRECT, _PURPOSE)


def record_response(request: HttpRequest, sociallogin: Any) -> None:
    """Counts for the person who is signed in, and when the provider has just asked them."""
    account = sociallogin.account
    if account.pk is None or account.user_id != request.user.pk:
        messages.error(request, _("You signed in there as somebody else."))
    elif not _is_fresh(account.extra_data.get("id_token", {}).get("auth_time")):
        messages.error(request, _("You were not asked to sign in again there. Sign out there, then try again."))
    else:
        named = {"provider": account.provider, "uid": account.uid}
        record_authentication(request, account.user, "socialaccount", reauthenticated=True, **named)


def _is_fresh(auth_time: Any) -> bool:
    """A provider that says no time is believed: it was asked to ask."""
    if auth_time is None:
        return True
    is_number = isinstance(auth_time, int | float)
    return is_number and auth_time > time.time() - app_settings.REAUTHENTICATION_TIMEOUT
