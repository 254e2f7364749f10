"""`python -m config.health`: an image's HEALTHCHECK; 0 when the web process of this machine answers.

It asks /healthz, which needs nobody else: that fal or the database is away is no reason to restart this process.
"""

import http.client
import sys
from typing import Final

from devserver import addresses

HOST: Final = "127.0.0.1"
TIMEOUT: Final = 4  # seconds


def problem() -> str:
    """What is wrong; empty when nothing is."""
    connection = http.client.HTTPConnection(HOST, addresses.port(), timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return "" if status == http.HTTPStatus.OK else f"/healthz answers {status}"


if __name__ == "__main__":
    sys.exit(problem() or 0)
