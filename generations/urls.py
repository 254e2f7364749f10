from django.urls import path

from generations.views import (
    again,
    compare,
    composer,
    defaults,
    detail,
    ending,
    gallery,
    health,
    live,
    media,
    notices,
    uploads,
    webhooks,
)
from generations.views import bin as the_bin

urlpatterns = [
    path("", gallery.home, name="gallery"),
    path("generations/new/", composer.new_generation, name="new-generation"),
    path("generations/compare/", compare.compare, name="compare"),
    path("generations/<uuid:pk>/", detail.generation, name="generation"),
    path("generations/<uuid:pk>/panel", detail.panel, name="generation-panel"),
    path("generations/<uuid:pk>/cancel", ending.cancel, name="generation-cancel"),
    path("generations/<uuid:pk>/retry", again.retry, name="generation-retry"),
    path("generations/<uuid:pk>/delete", ending.delete, name="generation-delete"),
    path("generations/<uuid:pk>/card", gallery.card, name="generation-card"),
    path("generations/<uuid:pk>/video", media.video, name="generation-video"),
    path("generations/<uuid:pk>/poster", media.poster, name="generation-poster"),
    path("generations/<uuid:pk>/preview", media.preview, name="generation-preview"),
    path("generations/<uuid:pk>/download", media.download, name="generation-download"),
    path("generations/<uuid:pk>/input/<slug:slot>", media.input_picture, name="generation-input"),
    path("uploads/", uploads.new_upload, name="new-upload"),
    path("bin/", the_bin.contents, name="bin"),
    path("bin/undo", the_bin.undo, name="bin-undo"),
    path("bin/<uuid:pk>/restore", the_bin.restore, name="bin-restore"),
    path("bin/<uuid:pk>/discard", the_bin.discard, name="bin-discard"),
    path("bin/<uuid:pk>/poster", media.binned_poster, name="bin-poster"),
    path("uploads/<uuid:pk>", media.upload, name="upload"),
    path("settings/defaults/", defaults.defaults, name="default-parameters"),
    path("events", live.events, name="events"),
    path("events/ended", notices.ended, name="ended"),
    path("webhooks/fal/<uuid:pk>/", webhooks.fal, name="fal-webhook"),
    path("webhooks/fal/<uuid:pk>", webhooks.fal),  # a redirect to the slash would be the end for fal
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
