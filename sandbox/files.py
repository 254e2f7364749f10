"""The sandbox's public files, as fal's CDN keeps them: outputs under `b/`, uploads under `u/`."""

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.job import Job

_OUTPUT: Final = "_output.mp4"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Files:
    """A folder of public files. Paths are relative to it and have the form `b|u/<hex>/<name>`."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self._key = key.encode()

    def path(self, kind: str, directory: str, name: str) -> Path | None:
        """The file, or None when there is none (or the name tries to leave the folder)."""
        path = self.folder / kind / directory / name
        parts = path.relative_to(self.folder).parts
        return path if ".." not in parts and len(parts) == 3 and path.is_file() else None

    def publish(self, job: Job, video: Path) -> str:
        """Put a finished video where its address leads; the address's path. Costs no disk: it is a link."""
        path = self.output(job)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(video, path)
        except OSError:
            path.symlink_to(video)  # a SANDBOX_CLIP on another disk
        return str(path.relative_to(self.folder))

    def output(self, job: Job) -> Path:
        return self.folder / "b" / job.id.replace("-", "")[-8:] / f"{job.id}{_OUTPUT}"

    def job_id(self, name: str) -> str:
        """The request whose output a file is, by its name."""
        return name.removesuffix(_OUTPUT)

    def delete_output(self, job: Job) -> bool:
        """Delete a job's video for good; whether there was one."""
        with suppress(FileNotFoundError):
            self.output(job).unlink()
            return True
        return False

    def new_upload(self, name: str) -> tuple[str, str]:
        """A place for an upload: its hex directory and its safe name."""
        directory = secrets.token_hex(8)
        (self.folder / "u" / directory).mkdir(parents=True)
        return directory, _UNSAFE.sub("_", name).strip("._")[-80:] or "upload"

    def save(self, directory: str, name: str, data: bytes) -> Path:
        path = self.folder / "u" / directory / name
        unfinished = path.with_name(f"{name}.part")
        unfinished.write_bytes(data)
        return unfinished.replace(path)

    def save_part(self, directory: str, name: str, number: int, data: bytes) -> str:
        """Keep one part of a large upload; its ETag."""
        (self.folder / "u" / directory / f"{name}.{number:05d}.chunk").write_bytes(data)
        return f'"{hashlib.sha256(data).hexdigest()[:32]}"'

    def join_parts(self, directory: str, name: str) -> None:
        parts = sorted((self.folder / "u" / directory).glob("*.chunk"))
        unfinished = self.folder / "u" / directory / f"{name}.part"
        with unfinished.open("wb") as whole:
            for part in parts:
                whole.write(part.read_bytes())
                part.unlink()
        unfinished.replace(self.folder / "u" / directory / name)

    def token(self, purpose: str) -> str:
        """A secret that stands for the key in an upload's address or header; the same after a restart."""
        return hmac.new(self._key, purpose.encode(), hashlib.sha256).hexdigest()

    def is_token(self, purpose: str, token: str) -> bool:
        return hmac.compare_digest(self.token(purpose), token)
