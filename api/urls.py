"""The addresses of keys and webhooks, and of what programs ask."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
