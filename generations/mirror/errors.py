"""Errors of a copy, by what can be done about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import httpx
from botocore.exceptions import BotoCoreError, ClientError


class Reason(StrEnum):
    EXPIRED = "expired"  # the provider has deleted the file, or the link to it has run out
    SOURCE_UNAVAILABLE = "source_unavailable"  # it answers 5xx, is too slow, or the connection breaks again and again
    ADDRESS_REFUSED = "address_refused"  # an address that we fetch nothing from, such as a private network
    NOT_A_VIDEO = "not_a_video"  # an HTML page, JSON, a picture
    TRUNCATED = "truncated"  # more or fewer bytes than announced
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"  # the bytes are safe in the bucket, but don't play
    STORAGE_UNAVAILABLE = "storage_unavailable"  # the bucket can't be reached, or refuses
    STOPPED = "stopped"  # for `on_progress` to raise: the copy is no longer wanted


class MirrorError(Exception):
    """The video isn't mirrored; str() is a sentence for a person.

    Every reason deserves another try later, even an expired link: a video has been paid for, a CDN's 404 may be one
    edge server's, a refused address may be one redirect's, and a limit can be raised.
    """

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turns what boto and httpx raise at the bucket into a MirrorError with the bucket's own message."""
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        text = ": ".join(filter(None, (said.get("Code"), said.get("Message"))))
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, f"The bucket refused: {text or error}") from error
    except (BotoCoreError, httpx.HTTPError) as error:
        text = str(error) or type(error).__name__
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, f"The bucket can't be reached: {text}") from error
