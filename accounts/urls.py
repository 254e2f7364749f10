from django.urls import path

from accounts import views

urlpatterns = [path("notices/", views.notices, name="account_notices")]
