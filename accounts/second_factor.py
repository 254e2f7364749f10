"""Where `STAFF_SECOND_FACTOR` requires it, staff must have a second factor and have used it in their session."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import SECOND_FACTORS, User


def is_required_of(user: Any) -> bool:
    is_staff = isinstance(user, User) and (user.is_staff or user.is_superuser)
    return is_staff and settings.STAFF_SECOND_FACTOR == "required"


def missing_step_url(request: HttpRequest) -> str | None:
    """Where somebody of the staff has to go first: to set one up, or to show the one they have."""
    user = request.user
    if not isinstance(user, User) or not is_required_of(user):
        return None
    if not user.has_second_factor:
        return reverse("mfa_index")
    if any(record["method"] == "mfa" for record in get_authentication_records(request, user)):
        return None
    methods = get_adapter().get_reauthentication_methods(user)
    return str(next(method["url"] for method in methods if method["id"].startswith("mfa_")))


def may_remove(request: HttpRequest, authenticator: Authenticator) -> bool:
    """Not the last one, where one is required; but who signed in with a recovery code has lost it and replaces it."""
    user = authenticator.user
    others = Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exclude(pk=authenticator.pk)
    if not is_required_of(user) or others.exists():
        return True
    records = get_authentication_records(request, user)
    return any(record.get("type") == Authenticator.Type.RECOVERY_CODES for record in records)
