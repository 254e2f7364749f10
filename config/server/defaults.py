"""What the settings and the process that starts the web server both have to know. Imports nothing."""

from typing import Final

CLIENT_TIMEOUT: Final = 30  # seconds
