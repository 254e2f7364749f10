"""The id by which one request is found in the logs of the proxy in front, of the studio, and in a person's report."""

import re
import uuid
from typing import Final

HEADER: Final = "X-Request-ID"

_FORM: Final = re.compile(r"[A-Za-z0-9._:=+/-]{1,128}")


def choose(given: str, proxies: int) -> str:
    """What our own proxy says, or a new one: without a proxy the header is a stranger's, who may write anything."""
    return given if proxies and _FORM.fullmatch(given) else uuid.uuid4().hex
