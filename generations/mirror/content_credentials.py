"""Content Credentials (C2PA): who signed a video file, and whether it is still as it was signed.

The copy in the bucket has the provider's bytes, so its marks survive; posters and previews are made anew and have none.
"""

import io
import logging
from dataclasses import dataclass
from typing import Any, Final, cast

import c2pa

from generations.mirror.errors import MirrorError

logger: Final = logging.getLogger(__name__)

_BUFFER: Final = 1 << 20  # bytes: the library reads a few at a time, here and there
_INTACT: Final = frozenset({"Valid", "Trusted"})


@dataclass(frozen=True, slots=True)
class ContentCredentials:
    """`state` is `valid`, `invalid` (the file or its marks were changed since), or empty: the file has none."""

    state: str = ""
    issuer: str = ""  # the organisation in the signer's certificate


def read_content_credentials(file: io.RawIOBase, media_type: str) -> ContentCredentials:
    """Of a video that lies in the bucket. What can't be read counts as none: it is no reason to do without the video.

    Raises MirrorError when the bucket does not answer.
    """
    file.seek(0)
    reading = io.BufferedReader(file, _BUFFER)
    try:
        with c2pa.Reader(media_type, reading) as reader:
            manifest = cast("dict[str, Any]", reader.get_active_manifest() or {})
            state = "valid" if reader.get_validation_state() in _INTACT else "invalid"
            return ContentCredentials(state, str(manifest.get("signature_info", {}).get("issuer", ""))[:200])
    except MirrorError:
        raise
    except Exception as error:  # a native library, over a file of somebody else's
        logger.info("No content credentials: %s", error)
        return ContentCredentials()
    finally:
        reading.detach()
