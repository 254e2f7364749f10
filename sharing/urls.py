"""URLs of share links: public ones below `/share/`, and those of the people who share."""

from django.urls import path

from sharing.views import films, guests, links, media, oembed, public, reports, review, team

urlpatterns = [
    path("share/oembed", oembed.oembed, name="share-oembed"),
    path("share/<str:token>/", public.share, name="share"),
    path("share/<str:token>/open", public.open_share, name="share-open"),
    path("share/<str:token>/logo", media.logo, name="share-logo"),
    path("share/<str:token>/download", media.archive, name="share-archive"),
    path("share/<str:token>/film/video", media.film_file, name="share-film-file"),
    path("share/<str:token>/film/poster", media.film_poster, name="share-film-poster"),
    path("share/<str:token>/film/download", media.film_download, name="share-film-download"),
    path("share/<str:token>/<uuid:pk>/", public.video, name="share-video"),
    path("share/<str:token>/<uuid:pk>/embed", public.embed, name="share-embed"),
    path("share/<str:token>/<uuid:pk>/video", media.file, name="share-file"),
    path("share/<str:token>/<uuid:pk>/output", media.output, name="share-output"),
    path("share/<str:token>/<uuid:pk>/poster", media.poster, name="share-poster"),
    path("share/<str:token>/<uuid:pk>/preview", media.preview, name="share-preview"),
    path("share/<str:token>/<uuid:pk>/download", media.download, name="share-download"),
    path("share/<str:token>/<uuid:pk>/metadata.json", media.metadata, name="share-metadata"),
    path("share/<str:token>/<uuid:pk>/report", reports.report, name="share-report"),
    path("share/<str:token>/<uuid:pk>/comments", guests.comments, name="share-comments"),
    path("share/<str:token>/<uuid:pk>/comments/<uuid:comment>", guests.comment, name="share-comment"),
    path("share/<str:token>/<uuid:pk>/verdict", guests.verdict, name="share-verdict"),
    path("generations/<uuid:pk>/review/", review.review, name="review"),
    path("generations/<uuid:pk>/review/verdict", review.verdict, name="review-verdict"),
    path("generations/<uuid:pk>/review/carry-over", review.carry_over, name="review-carry-over"),
    path("comments/<uuid:pk>/", review.comment, name="comment"),
    path("share-links/", links.share_links, name="share-links"),
    path("share-links/new/", links.new, name="share-link-new"),
    path("films/<uuid:pk>/share", films.share, name="film-share"),
    path("share-links/<uuid:pk>/", links.change, name="share-link"),
    path("share-links/<uuid:pk>/act", links.act, name="share-link-act"),
    path("teams/<slug:slug>/sharing", team.settings, name="team-sharing"),
    path("teams/<slug:slug>/sharing/revoke", team.revoke, name="team-sharing-revoke"),
]
