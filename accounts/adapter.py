"""allauth's hooks: who may sign up, by password or OpenID. The personal team is made in the same transaction."""

from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import reauthentication, second_factor
from accounts.credentials import credentials_of
from accounts.invitations import INVITATION_SESSION_KEY, accept_invitation, invitation_of
from accounts.models import Invitation, Team, User
from accounts.sso_groups import sync_groups


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this visitor may make an account at all; `clean_email` checks the address."""
        return settings.SIGN_UP != "invite" or invitation_of(request) is not None

    def clean_email(self, email: str) -> str:
        email = super().clean_email(email)
        if not _needs_invitation(email):
            return email
        invitation = invitation_of(self.request)
        if invitation is None and settings.SIGN_UP == "domains":
            known = ", ".join(settings.SIGN_UP_DOMAINS)
            raise ValidationError(_("Accounts are for addresses at %s here. Others need an invitation.") % known)
        if invitation and not _is_for(invitation, email) and not self.request.user.is_authenticated:
            raise ValidationError(_("Use the address to which the invitation was sent."))
        return email

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        methods = [
            method | {"description": _("Use a passkey")} if method["id"] == "mfa_reauthenticate:webauthn" else method
            for method in super().get_reauthentication_methods(user)
        ]
        if user.is_authenticated and (name := reauthentication.provider_name(user)):
            url, label = reverse("openid-reauthenticate"), _("Use %s") % name
            methods.append({"id": "openid-reauthenticate", "description": label, "url": url})
        return methods

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Raises ReauthenticationRequired itself for users whom allauth can't ask and would let pass."""
        if not super().is_reauthentication_required(app=app, **kwargs):
            return False
        request = context.request
        methods = self.get_reauthentication_methods(request.user)
        if not methods:
            raise PermissionDenied(_("Set a password first: choose “Forgot your password?” on the sign-in page."))
        if methods[0]["id"] == "openid-reauthenticate" and not reauthentication.is_recent(request):
            raise ReauthenticationRequired
        return True

    def is_safe_url(self, url: str) -> bool:
        """Only the studio itself, not whatever else ALLOWED_HOSTS has, such as this machine's own names."""
        own = {context.request.get_host(), urlsplit(settings.SITE_URL).netloc}
        return url_has_allowed_host_and_scheme(url, own, require_https=context.request.is_secure())

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Every address in it goes by SITE_URL, whatever host the request has named."""
        urls = {name: _to_site_url(value) for name, value in context.items() if name.endswith("_url") and value}
        site = {"name": settings.SITE_NAME, "domain": urlsplit(settings.SITE_URL).netloc}
        super().send_mail(
            template_prefix, email, {**context, **urls, "current_site": site, "site": f"{settings.SITE_URL}/"}
        )

    def format_email_subject(self, subject: str) -> str:
        return f"[{settings.SITE_NAME}] {subject}"

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        super().save_user(request, user, form, commit=True)
        Team.objects.create_personal(user)
        _accept_invitation(request, user)
        return user


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": gettext_lazy(
            "Staff need two-factor authentication here, and this is your last way: add another one first. If you have "
            "lost it, sign in again with a recovery code."
        ),
    }

    def is_mfa_enabled(self, user: Any, types: Iterable[str] | None = None) -> bool:
        return user.is_authenticated and credentials_of(user).has_any_of(types)

    def generate_authenticator_name(self, user: Any, type: str) -> str:  # noqa: A002  # allauth names it so
        """Of a passkey, which alone has one."""
        return _("Passkey %d") % (credentials_of(user).factors.count(type) + 1)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return second_factor.may_remove(context.request, authenticator)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to SITE_URL's host, whatever host the request has named."""
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": settings.SITE_NAME}


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Sign-in by the organisation's own OpenID provider."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        email = sociallogin.user.email or ""
        invitation = invitation_of(request)
        return not _needs_invitation(email) or (invitation is not None and _is_for(invitation, email))

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        user.name = str(data.get("name") or "")[:150]
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if reauthentication.is_provider_response(sociallogin):
            reauthentication.record_response(request, sociallogin)
        elif sociallogin.is_existing:
            _sync_groups(sociallogin)

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        Team.objects.create_personal(user)
        _accept_invitation(request, user)
        _sync_groups(sociallogin)
        return user


def _to_site_url(url: str) -> str:
    return settings.SITE_URL + urlunsplit(("", "", *urlsplit(url)[2:]))


def _sync_groups(sociallogin: Any) -> None:
    data = sociallogin.account.extra_data
    claims = {**data.get("id_token", {}), **data.get("userinfo", {})}
    groups = claims.get(settings.OIDC_GROUPS_CLAIM, [])
    if settings.OIDC_GROUPS and isinstance(groups, list):
        sync_groups(sociallogin.user, map(str, groups), settings.OIDC_GROUPS)


def _needs_invitation(email: str) -> bool:
    if settings.SIGN_UP == "domains":
        return email.rpartition("@")[2].lower() not in settings.SIGN_UP_DOMAINS
    return bool(settings.SIGN_UP == "invite")


def _is_for(invitation: Invitation, email: str) -> bool:
    """An invitation by link is for anyone who has the link."""
    return invitation.email.lower() in {"", email.lower()}


def _accept_invitation(request: HttpRequest, user: User) -> None:
    """An account that only an invitation lets in takes it up with the same stroke: one place, one account.

    Raises ImmediateHttpResponse, and the caller's transaction leaves no account, when somebody else was first.
    """
    if not _needs_invitation(user.email):
        return
    invitation = invitation_of(request)
    if invitation is None or not _is_for(invitation, user.email) or not accept_invitation(invitation, user):
        raise ImmediateHttpResponse(render(request, "teams/invitation_expired.html", status=410))
    del request.session[INVITATION_SESSION_KEY]
