"""A file in the bucket, read as if it lay on disk, so that the check reads what is really stored."""

import io
from typing import TYPE_CHECKING

from generations.mirror.errors import storage_errors
from generations.mirror.upload import Bucket

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer
    from botocore.response import StreamingBody


class StoredFile(io.RawIOBase):
    """Reads in one stream from wherever it was last sought to; a seek costs one Range GET. Raises MirrorError."""

    def __init__(self, bucket: Bucket, key: str, size: int) -> None:
        self._bucket, self._key, self._size = bucket, key, size
        self._position = 0
        self._body: StreamingBody | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset != self._position:
            self._close_body()
        self._position = origin + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        if self._position >= self._size:
            return b""
        with storage_errors():
            self._body = self._body or self._open_body()
            data = self._body.read(None if size is None or size < 0 else size)
        self._position += len(data)
        return data

    def readinto(self, buffer: "Buffer") -> int:
        """For a buffer in front of it."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._close_body()
        super().close()

    def _open_body(self) -> "StreamingBody":
        wanted = f"bytes={self._position}-"
        return self._bucket.client.get_object(Bucket=self._bucket.name, Key=self._key, Range=wanted)["Body"]

    def _close_body(self) -> None:
        if self._body is not None:
            self._body.close()
        self._body = None
