from django.urls import path

from accounts.views import security, settings, visiting

urlpatterns = [
    path("settings/", settings.settings, name="account_settings"),
    path("visits/", visiting.visits, name="account_visits"),
    path("notices/", settings.notices, name="account_notices"),
    path("reauthenticate/openid/", security.reauthenticate_by_openid, name="openid_reauthenticate"),
    # in place of allauth's
    path("password/set/", security.set_password, name="account_set_password"),
    path("2fa/webauthn/keys/<int:pk>/remove/", security.remove_webauthn, name="mfa_remove_webauthn"),
]
