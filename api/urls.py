"""The addresses of keys and webhooks, and of what programs ask."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from api.views import fal, keys, mcp, proxy, public_files, run, uploads, webhooks

# With and without a slash at the end. fal's clients name an endpoint's owner and app there, people its whole id.
_REQUEST = r"^fal/queue/(?P<app>fal-ai/[\w./-]+)/requests/(?P<pk>[^/]+)"

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/keys/", keys.keys, name="keys"),
    path("accounts/keys/new/", keys.new, name="key-new"),
    path("accounts/keys/<uuid:pk>/", keys.key, name="key"),
    path("accounts/keys/<uuid:pk>/revoke", keys.revoke, name="key-revoke"),
    path("teams/<slug:slug>/keys/", keys.team_keys, name="team-keys"),
    re_path(_REQUEST + r"/status/stream/?$", run.status_stream, name="fal-status-stream"),
    re_path(_REQUEST + r"/status/?$", fal.status, name="fal-status"),
    re_path(_REQUEST + r"/cancel/?$", fal.cancel, name="fal-cancel"),
    re_path(_REQUEST + r"/response/?$", fal.result, name="fal-response"),
    re_path(_REQUEST + r"/?$", fal.result, name="fal-result"),
    path("fal/rest/storage/upload/initiate", uploads.initiate, name="fal-upload-initiate"),
    path("fal/rest/storage/put/<str:token>", uploads.put, name="fal-upload"),
    path("fal/proxy", proxy.proxy, name="fal-proxy"),
    re_path(r"^fal/run/(?P<endpoint>fal-ai/[\w./-]*[\w-])/stream/?$", run.stream, name="fal-stream"),
    re_path(r"^fal/run/(?P<endpoint>fal-ai/[\w./-]*[\w-])/?$", run.run, name="fal-run"),
    re_path(r"^fal/queue/(?P<endpoint>fal-ai/[\w./-]*[\w-])/?$", fal.submit, name="fal-submit"),
    re_path(r"^mcp/?$", mcp.mcp, name="mcp"),
    path("fal/.well-known/jwks.json", public_files.jwks, name="fal-jwks"),
    path("api/v1/", include("api.v1.urls")),
    path("teams/<slug:slug>/webhooks/", webhooks.webhooks, name="webhooks"),
    path("teams/<slug:slug>/webhooks/new/", webhooks.new, name="webhook-new"),
    path("teams/<slug:slug>/webhooks/<uuid:pk>/", webhooks.webhook, name="webhook"),
    path("teams/<slug:slug>/webhooks/<uuid:pk>/edit/", webhooks.edit, name="webhook-edit"),
    path("teams/<slug:slug>/webhooks/<uuid:pk>/act", webhooks.act, name="webhook-act"),
    path("teams/<slug:slug>/webhooks/<uuid:pk>/<uuid:message>/", webhooks.delivery, name="webhook-delivery"),
    path("webhooks/posters/<str:token>.jpg", public_files.poster, name="webhook-poster"),
]
