"""Load the settings in every process, or print all that is wrong with the environment and exit with 1."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def load_settings() -> None:
    """Ends the process, without a traceback, when the settings refuse the environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        _ = settings.DEBUG  # reads them
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    load_settings()
