"""URLs below `/accounts/`, besides allauth's."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.views import impersonation, security, sessions, settings

urlpatterns = [
    path("settings/", settings.settings, name="account-settings"),
    path("visits/", RedirectView.as_view(pattern_name="account-impersonations", permanent=True)),  # before 0.2
    path("impersonations/", impersonation.impersonations, name="account-impersonations"),
    path("sessions/", sessions.sessions, name="usersessions_list"),  # in place of allauth's
    path("sessions/<int:pk>/end", sessions.end, name="account-session-end"),
    path("notices/", settings.notices, name="account-notices"),
    path("reauthenticate/openid/", security.reauthenticate_by_openid, name="openid-reauthenticate"),
    # in place of allauth's
    path("password/set/", security.set_password, name="account_set_password"),
    path("2fa/webauthn/keys/<int:pk>/remove/", security.remove_webauthn, name="mfa_remove_webauthn"),
]
