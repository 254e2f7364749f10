"""Run each accepted request in a task of its own: it waits, is rendered, ends. Every step is saved in the store."""

import asyncio
import logging
import math
import time
from typing import Final

from generations.fal.arguments import Arguments, Endpoint, InvalidArguments, Problem, TextToVideo, parse
from sandbox.faults import Faults
from sandbox.files import Files
from sandbox.job import Job, Outcome, Status
from sandbox.options import Options
from sandbox.pictures import BadPictureError, Pictures
from sandbox.prompt_faults import ERROR_PAGE, ModelError, model_error, runner_error, strip_faults, wanted_failure
from sandbox.render.video import Recipe
from sandbox.render_pool import RenderFailedError, RenderPool
from sandbox.store import Store
from sandbox.webhooks import WebhookSender

LOG_EVERY: Final = 40  # frames
SLOW_FACTOR: Final = 10

logger = logging.getLogger("sandbox")


class _RequeueError(Exception):
    """The runner failed; fal puts the request back in the queue."""


class Runner:
    """Drives every job from submit to the webhook's end."""

    def __init__(
        self,
        options: Options,
        store: Store,
        faults: Faults,
        files: Files,
        pictures: Pictures,
        render_pool: RenderPool,
        webhook_sender: WebhookSender,
    ) -> None:
        self._options, self._store, self._faults = options, store, faults
        self._files, self._pictures = files, pictures
        self._render_pool, self._webhook_sender = render_pool, webhook_sender
        self._slots = asyncio.Semaphore(options.concurrency)
        self._waiting: dict[str, None] = {}  # in order; a list would be searched at each step of ten thousand requests
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended_events: dict[str, asyncio.Event] = {}

    def resume(self) -> None:
        """After a restart: go on with every job that had not ended, and with every webhook not yet taken."""
        for job in self._store.jobs.values():
            if job.outcome is None:
                job.status, job.started = Status.IN_QUEUE, None
                self._start(job)
            elif job.webhook and not job.webhook_settled:
                self._start(job)

    def accept(self, job: Job) -> None:
        """From here on the job is safe: it is in the store before its submit is answered."""
        self._store.add(job)
        self._store.count("accepted")
        logger.info("accepted %s %s", job.id, job.endpoint)
        self._start(job)

    def _start(self, job: Job) -> None:
        if job.outcome is None:
            self._waiting[job.id] = None
            self._ended_events[job.id] = asyncio.Event()
        task = asyncio.create_task(self._run(job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda task: self._forget_task(job, task))

    def _forget_task(self, job: Job, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job.id) is task:
            del self._tasks[job.id]

    async def wait_for_outcome(self, job: Job) -> None:
        """Wait for the job's outcome."""
        if job.id in self._ended_events:
            await self._ended_events[job.id].wait()

    async def wait_for_webhook(self, job: Job) -> None:
        """Wait until the job's webhook has been dealt with."""
        if job.id in self._tasks:
            await asyncio.wait([self._tasks[job.id]])

    def queue_length(self) -> int:
        return len(self._waiting)

    def position(self, job: Job) -> int:
        """How many requests are ahead: ours, and the neighbours', which leave one by one."""
        if job.id not in self._waiting:
            return 0
        ahead = next(number for number, each in enumerate(self._waiting) if each == job.id)
        left = job.queued + self._options.queue_seconds - time.time()
        if left <= 0:
            return ahead
        return ahead + math.ceil(self._options.neighbours * left / self._options.queue_seconds)

    def cancel(self, job: Job) -> None:
        """End a job by its owner's wish. fal's docs: one that is IN_PROGRESS may finish all the same."""
        if job.status is Status.IN_PROGRESS and self._faults.strikes_once("ignores_cancel", job):
            job.log("Cancellation requested", "WARN")
            return
        self._tasks[job.id].cancel()
        self._finish(job, runner_error("client_cancelled", 499, "Request was cancelled"))
        self._start(job)

    async def _run(self, job: Job) -> None:
        while job.outcome is None:
            try:
                self._finish(job, await self._run_once(job))
            except _RequeueError:
                self._requeue(job)
            except Exception:
                logger.exception("%s broke the sandbox", job.id)
                self._finish(job, model_error("internal_server_error", ModelError(500, "Internal server error"), {}))
        if job.webhook and not job.webhook_settled:
            await self._webhook_sender.deliver(job)

    async def _run_once(self, job: Job) -> Outcome:
        """One passage through queue and runner."""
        try:
            async with asyncio.timeout(_start_time_left(job)):
                await self._queue(job)
        except TimeoutError:
            return _timeout_outcome()
        try:
            return await self._work(job)
        finally:
            self._slots.release()

    async def _queue(self, job: Job) -> None:
        if not job.hurried:
            await _sleep_until(job.queued + self._options.queue_seconds)
        await self._slots.acquire()

    async def _work(self, job: Job) -> Outcome:
        del self._waiting[job.id]
        job.status, job.started = Status.IN_PROGRESS, time.time()
        job.log("Reading the prompt")
        self._store.save(job)
        try:
            arguments = parse(Endpoint(job.endpoint), job.arguments) if isinstance(job.arguments, dict) else None
        except InvalidArguments as error:
            return _invalid_input_outcome(error.problems, job)
        if arguments is None:
            return _invalid_input_outcome([Problem("", "dict_type", "Input should be a valid dictionary")], job)
        if self._faults.strikes_once("cancelled_at_fal", job):
            return runner_error("client_cancelled", 499, "Request was cancelled")
        seconds = self._render_seconds(job)
        if outcome := wanted_failure(job.prompt, job.arguments):
            await _sleep_until(job.started + seconds)
            return outcome
        return await self._make(job, arguments, seconds)

    def _render_seconds(self, job: Job) -> float:
        if job.hurried:
            return 0
        return self._options.render_seconds * (SLOW_FACTOR if self._faults.strikes_once("slow", job) else 1)

    async def _make(self, job: Job, arguments: Arguments, seconds: float) -> Outcome:
        """Fetch the pictures, render the video, publish it."""
        try:
            recipe = await self._recipe(job, arguments)
        except BadPictureError as error:
            return _invalid_input_outcome(error.problems, job)
        if self._faults.strikes_once("back_to_queue", job):
            await asyncio.sleep(seconds / 2)
            raise _RequeueError
        try:
            return await self._render(job, recipe, seconds)
        except RenderFailedError as error:
            logger.error("rendering %s failed: %s", job.id, error)  # noqa: TRY400 - the trace is the child's
            return model_error("internal_server_error", ModelError(500, "Internal server error"), {})

    async def _recipe(self, job: Job, arguments: Arguments) -> Recipe:
        prompt = strip_faults(arguments.prompt)
        seed = "\n".join((prompt, arguments.negative_prompt, str(arguments.cfg_scale)))
        seconds = int(arguments.duration)
        if isinstance(arguments, TextToVideo):
            return Recipe(prompt, seconds, seed, aspect_ratio=str(arguments.aspect_ratio))
        job.log("Fetching the picture")
        picture, tail = await self._pictures.fetch(arguments)
        return Recipe(prompt, seconds, seed, picture=picture, tail=tail)

    async def _render(self, job: Job, recipe: Recipe, seconds: float) -> Outcome:
        """The video, no sooner than `seconds`; its log lines keep step with both the clock and the frames."""
        rendering = self._render_pool.begin(recipe)
        assert job.started
        for frames in range(LOG_EVERY, recipe.frames + 1, LOG_EVERY):
            await _sleep_until(job.started + seconds * frames / recipe.frames)
            await rendering.wait_for_frames(frames)
            job.log(f"Rendered {frames} of {recipe.frames} frames")
        path = self._files.publish(job, rendering.path)
        video = {
            "url": f"{job.origin}/files/{path}",
            "content_type": "video/mp4",
            "file_name": "output.mp4",
            "file_size": rendering.path.stat().st_size,
        }
        return Outcome(200, {"video": video}, units=recipe.seconds)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        self._waiting.pop(job.id, None)
        job.outcome, job.status, job.ended = outcome, Status.COMPLETED, time.time()
        job.log(
            "Done" if outcome.code < 400 else f"Failed with {outcome.code}", "INFO" if outcome.code < 400 else "ERROR"
        )
        self._store.finish(job)
        self._ended_events.pop(job.id).set()
        logger.info("ended %s: %s", job.id, outcome.code)

    def _requeue(self, job: Job) -> None:
        job.log("Runner lost, the request goes back to the queue", "WARN")
        job.status, job.started, job.queued = Status.IN_QUEUE, None, time.time()
        self._waiting[job.id] = None
        self._store.save(job)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(moment - time.time(), 0))


def _start_time_left(job: Job) -> float | None:
    """fal's docs: the start timeout counts the queue and all retries, and no longer once a runner has begun."""
    return None if job.start_timeout is None else job.submitted + job.start_timeout - time.time()


def _timeout_outcome() -> Outcome:
    outcome = runner_error("request_timeout", 504, "Request timed out")
    outcome.headers["X-Fal-Request-Timeout-Type"] = "user"
    return outcome


def _invalid_input_outcome(problems: list[Problem], job: Job) -> Outcome:
    """The runner's 422: fal's docs: bad input is accepted by the queue and fails here."""
    details = []
    for problem in problems:
        given = job.arguments
        detail = {
            "loc": ["body", problem.field] if problem.field else ["body"],
            "msg": problem.message,
            "type": problem.type,
            "url": f"{ERROR_PAGE}{problem.type}",
            "input": given.get(problem.field, given) if isinstance(given, dict) else given,
        }
        details.append(detail | ({"ctx": dict(problem.ctx)} if problem.ctx else {}))
    return Outcome(422, {"detail": details}, {"X-Fal-Retryable": "false"})
