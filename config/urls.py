"""The root URL configuration."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from accounts.views import impersonation
from config import dev_mail

# what browsers ask for where a page names no icon, such as at a picture
_favicon = RedirectView.as_view(url=lazy(static, str)("favicon.svg"))
favicon = require_safe(cache_control(public=True, max_age=86400)(_favicon))

handler403 = "accounts.views.errors.forbidden"
urlpatterns = [
    path("", include("generations.urls")),
    path("", include("sharing.urls")),
    path("", include("api.urls")),
    path("accounts/", include("accounts.urls")),
    path("teams/", include("accounts.team_urls")),
    path("accounts/", include("allauth.urls")),
    path("impersonation/stop", impersonation.stop, name="impersonation-stop"),
    path("favicon.ico", favicon, name="favicon"),
    path("admin/", admin.site.urls),
    *dev_mail.urls(),
]

handler400 = "generations.views.errors.bad_request"
