"""Render videos, at most two at once, each in a process of its own. A recipe rendered before costs nothing."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sandbox.render.video import Recipe

MAX_PROCESSES: Final = 2


class RenderFailedError(Exception):
    """The renderer ended without a video; the message is its last words."""


class Rendering:
    """A video on its way: how many frames are done, and where the file will be."""

    def __init__(self, path: Path, frames: int) -> None:
        self.path = path
        self.frames = frames
        self.done = 0
        self.error: str | None = None
        self._progress = asyncio.Condition()

    async def wait_for_frames(self, frames: int) -> None:
        """Wait for so many frames. Raises RenderFailedError."""
        async with self._progress:
            await self._progress.wait_for(lambda: self.error is not None or self.done >= frames)
        if self.error is not None:
            raise RenderFailedError(self.error)

    async def update(self, *, done: int | None = None, error: str | None = None) -> None:
        async with self._progress:
            self.done, self.error = done if done is not None else self.done, error
            self._progress.notify_all()


class RenderPool:
    """Renders into `folder`, from pictures in `inputs`. `on_render` is called for each; `clip` stands in for all."""

    def __init__(self, folder: Path, inputs: Path, on_render: Callable[[], None], clip: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob("*.part"):
            unfinished.unlink(missing_ok=True)
        self._on_render = on_render
        self._folder, self._inputs, self._clip = folder, inputs, clip
        self._semaphore = asyncio.Semaphore(MAX_PROCESSES)
        self._running: dict[str, tuple[Rendering, asyncio.Task[None]]] = {}

    def begin(self, recipe: Recipe) -> Rendering:
        """Start, join or find the rendering of `recipe`."""
        path = self._clip or self._folder / f"{recipe.key}.mp4"
        if path.exists():
            rendering = Rendering(path, recipe.frames)
            rendering.done = recipe.frames
            return rendering
        if recipe.key not in self._running:
            rendering = Rendering(path, recipe.frames)
            task = asyncio.create_task(self._render(recipe, rendering))
            self._running[recipe.key] = rendering, task
            task.add_done_callback(lambda _: self._running.pop(recipe.key))
        return self._running[recipe.key][0]

    async def _render(self, recipe: Recipe, rendering: Rendering) -> None:
        async with self._semaphore:
            self._on_render()
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sandbox.render.video", "--inputs", self._inputs, rendering.path),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
            )
            try:
                await self._follow(process, recipe, rendering)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def _follow(self, process: asyncio.subprocess.Process, recipe: Recipe, rendering: Rendering) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(json.dumps(asdict(recipe)).encode())
        process.stdin.close()
        async for line in process.stdout:
            await rendering.update(done=min(int(line), recipe.frames - 1))
        words = (await process.stderr.read()).decode(errors="replace").strip()
        if await process.wait() == 0 and rendering.path.exists():
            await rendering.update(done=recipe.frames)
        else:
            await rendering.update(error=words.splitlines()[-1] if words else "the renderer died")

    async def close(self) -> None:
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
