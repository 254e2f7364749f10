"""Input pictures: fetched as fal's model would fetch them, checked by the model's rules, kept for the renderer."""

import asyncio
import base64
import binascii
import hashlib
import io
import urllib.parse
from pathlib import Path
from typing import Final

import httpx
from PIL import Image

from generations.fal.arguments import MAX_PICTURE_BYTES, ImageToVideo, Problem, StartFrameToVideo, check_picture

DOWNLOAD_SECONDS: Final = 20  # fal's docs print this limit for Kling's pictures


class BadPictureError(Exception):
    """The picture cannot be used; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(str(problems))
        self.problems = problems


class Pictures:
    """A folder of input pictures, each named by the SHA-256 of its bytes."""

    def __init__(self, folder: Path, client: httpx.AsyncClient) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._client = client

    async def fetch(self, arguments: StartFrameToVideo) -> tuple[str, str | None]:
        """Fetch and judge both pictures; their names in the folder. Raises BadPictureError with every problem."""
        wanted = [("image_url", arguments.image_url)]
        if isinstance(arguments, ImageToVideo) and arguments.tail_image_url:
            wanted.append(("tail_image_url", arguments.tail_image_url))
        results = await asyncio.gather(*(self._fetch_one(name, url) for name, url in wanted), return_exceptions=True)
        names, problems = [], []
        for result in results:
            if isinstance(result, BadPictureError):
                problems += result.problems
            elif isinstance(result, BaseException):
                raise result
            else:
                names.append(result)
        if problems:
            raise BadPictureError(problems)
        return names[0], names[1] if len(names) > 1 else None

    async def _fetch_one(self, name: str, url: str) -> str:
        data = _from_data_uri(name, url) if url.startswith("data:") else await self._download(name, url)
        await asyncio.to_thread(_validate, name, data)
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / digest
        if not path.exists():
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(data)
            unfinished.replace(path)
        return digest

    async def _download(self, name: str, url: str) -> bytes:
        data = bytearray()
        try:
            async with asyncio.timeout(DOWNLOAD_SECONDS), self._client.stream("GET", url) as answer:
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_PICTURE_BYTES:
                        raise BadPictureError(check_picture(name, media_type="image/png", size=len(data)))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise BadPictureError(
                [Problem(name, "file_download_error", f"Failed to download the file: {error}")]
            ) from error
        return bytes(data)


def _from_data_uri(name: str, url: str) -> bytes:
    head, _, body = url.partition(",")
    try:
        if head.endswith(";base64"):
            return base64.b64decode(body, validate=True)
        return urllib.parse.unquote_to_bytes(body)
    except binascii.Error as error:
        raise BadPictureError([Problem(name, "image_load_error", f"The data URI cannot be read: {error}")]) from error


def _validate(name: str, data: bytes) -> None:
    """Decode all of it, so that half a picture is refused as Kling refuses it."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            media_type = Image.MIME.get(picture.format or "", "")
            problems = check_picture(
                name, media_type=media_type, size=len(data), width=picture.width, height=picture.height
            )
            if not problems:
                picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadPictureError([Problem(name, "image_load_error", f"Failed to load the image: {error}")]) from error
    if problems:
        raise BadPictureError(problems)
