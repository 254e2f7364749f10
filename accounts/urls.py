from django.urls import path

from accounts.views import settings

urlpatterns = [
    path("settings/", settings.settings, name="account_settings"),
    path("notices/", settings.notices, name="account_notices"),
]
