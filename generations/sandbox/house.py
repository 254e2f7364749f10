"""The rooms of a running sandbox, and how a page finds them."""

import asyncio
from dataclasses import dataclass
from typing import Self, cast

import httpx
from starlette.requests import Request

from generations.sandbox.books import Books
from generations.sandbox.faults import Faults
from generations.sandbox.files import Files
from generations.sandbox.floor import Floor
from generations.sandbox.options import Options
from generations.sandbox.pictures import Pictures
from generations.sandbox.studio import Studio
from generations.sandbox.webhooks import Post


@dataclass(frozen=True)
class House:
    """Everything that lives as long as the process."""

    options: Options
    books: Books
    faults: Faults
    files: Files
    studio: Studio
    post: Post
    floor: Floor
    client: httpx.AsyncClient

    @classmethod
    def open(cls, options: Options) -> Self:
        """Open the directory and go on with what was under way. Needs a running event loop."""
        options.directory.mkdir(parents=True, exist_ok=True)
        books = Books(options.directory / "books.sqlite3")
        faults = Faults(options.faults, lambda kind: books.count(f"fault:{kind}"))
        client = httpx.AsyncClient(follow_redirects=True, timeout=20)
        files = Files(options.directory / "files", options.key)
        pictures = Pictures(options.directory / "inputs", client)
        studio = Studio(options.directory / "renders", pictures.folder, lambda: books.count("renders"), options.clip)
        post = Post(options, books, faults, client)
        floor = Floor(options, books, faults, files, pictures, studio, post)
        floor.resume()
        return cls(options, books, faults, files, studio, post, floor, client)

    async def close(self) -> None:
        await asyncio.gather(self.floor.close(), self.studio.close())
        await self.client.aclose()
        self.books.close()


def house(request: Request) -> House:
    return cast("House", request.app.state.house)
