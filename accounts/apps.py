"""Configuration of the app `accounts`."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "accounts"
    default = True
    default_auto_field = "django.db.models.BigAutoField"


class StudioAdminConfig(admin_apps.AdminConfig):
    """Django's way to give the admin a site of one's own."""

    default = False
    default_site = "accounts.admin_site.StudioAdminSite"
