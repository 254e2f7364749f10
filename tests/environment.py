"""The environment that tests run in: nothing of the developer's, and servers in a place and on ports of their own.

With VAR_DIR and PORT of its own, every default of `devserver.addresses` is the tests' own too, so that the
tests pass while `make run` is up, and two runs of them side by side.
"""

import os
import secrets
import tempfile
from pathlib import Path

import django
from django.conf import settings

from devserver.s3 import free_ports

OURS = (
    *("AWS_", "OTEL_", "FAL_", "SANDBOX_", "MIRROR_", "GRANIAN_"),
    *("SIGN_UP", "STAFF_", "SUBMITS_", "UPLOADS_", "LIBRARY_", "API_", "OIDC_", "TRUSTED_", "PROMETHEUS_"),
    *("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL", "SITE_URL", "HOST", "DEFAULT_FROM_EMAIL"),
    *(
        "CLIENT_TIMEOUT",
        "WEB_CONCURRENCY",
        "INSECURE_HTTP",
        "METRICS_PORT",
        "METRICS_TOKEN",
        "SECRET_KEY",
        "DEBUG",
        "ALLOWED_HOSTS",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "MEDIA_DELIVERY",
        "TIME_ZONE",
    ),
)


def prepare() -> None:
    """Once, before the settings are read; a process that the tests start inherits it and changes nothing.

    Each of pytest-xdist's workers is a run of its own.
    """
    run = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    if os.environ.get("KLING_STUDIO_TESTS") != run:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            del os.environ[name]
        os.environ |= {
            "KLING_STUDIO_TESTS": run,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "true",
            "EMAIL_URL": "memory:",
            "FAL_MAX_RUNNING": "100000",
            "SUBMITS_PER_MINUTE": "0",
            "UPLOADS_PER_MINUTE": "0",
            "API_REQUESTS_PER_MINUTE": "0",
            "VAR_DIR": str(Path(tempfile.gettempdir()) / f"kling-studio-tests-{secrets.token_hex(4)}"),
            "PORT": str(free_ports(20)),
            "SECRET_KEY": secrets.token_urlsafe(50),
        }
    # pytest-django turns DEBUG off, and nobody has collected the static files
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    # each Client of Django's has a WhiteNoise of its own, which would read every static file at its first request
    settings.WHITENOISE_AUTOREFRESH = True
    django.setup()


def without_ours() -> dict[str, str]:
    """This process's environment without any name of the studio's, for one that shall see only defaults."""
    own = (*OURS, "KLING_STUDIO_TESTS", "DJANGO_SETTINGS_MODULE", "VAR_DIR", "PORT")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}
