"""Content Credentials: said of the file as it lies in the bucket, and never a reason to lose a video."""

import io

import pytest

from generations.mirror.content_credentials import ContentCredentials, read_content_credentials
from tests.generations.mirror.conftest import Mirror
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.signed_videos import ISSUER, signed
from tests.generations.mirror.videos import mp4

SIGNED = signed(mp4())
PLAIN = mp4()
OTHER_BOX = (24).to_bytes(4, "big") + b"uuid" + bytes(16)  # somebody's own, and nothing in it


class RawBytes(io.RawIOBase):
    """Bytes as a file without a buffer, like one of the bucket."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: "bytearray") -> int:  # type: ignore[override]
        return self._file.readinto(buffer)


def changed(data: bytes) -> bytes:
    """One byte of the picture is another than was signed."""
    at = data.index(b"mdat") + 200
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "state", "issuer"),
    [
        (PLAIN, "", ""),
        (PLAIN + OTHER_BOX, "", ""),
        (SIGNED, "valid", ISSUER),
        (changed(SIGNED), "invalid", ISSUER),
        (b"", "", ""),
        (b"no video at all", "", ""),
    ],
    ids=["none", "another box", "signed", "changed", "nothing", "no video"],
)
def test_read(data: bytes, state: str, issuer: str) -> None:
    with RawBytes(data) as file:
        assert read_content_credentials(file, "video/mp4") == ContentCredentials(state, issuer)


@pytest.mark.parametrize(("data", "state"), [(PLAIN, ""), (PLAIN + OTHER_BOX, ""), (SIGNED, "valid")])
def test_copied_with_every_mark(mirror: Mirror, provider: Provider, data: bytes, state: str) -> None:
    video = mirror.mirror(provider.serve(File(data)))

    assert mirror.stored() == data
    assert (video.content_credentials, bool(video.credentials_issuer)) == (state, state == "valid")
    assert b"c2pa" not in (mirror.stored(mirror.preview_key) or b"")
