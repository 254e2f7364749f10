from django.urls import path

from accounts import views

urlpatterns = [
    path("settings/", views.settings, name="account_settings"),
    path("notices/", views.notices, name="account_notices"),
]
