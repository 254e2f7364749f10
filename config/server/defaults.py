"""Values that both the settings and the start of the web server need. Imports nothing."""

from typing import Final

CLIENT_TIMEOUT: Final = 30  # seconds
