"""Programs of the trial, instead of people: they order with fal's own Python client, and each follows its request.

What a program is told at last is its video, whose bytes it has, or the reason why there is none.
"""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Final, TypeVar

import fal_client
import fal_client.client
import httpx

from accounts.models import User
from api.models import Key, Scope
from generations.fal.arguments import Endpoint
from tests.cast import picture
from tests.chaos.people import STUBBORN, Plan, insist, plans

T = TypeVar("T")

PROGRAMS: Final = 6
FOLLOWERS: Final = 64  # requests that are followed at once
TIMEOUT: Final = 900.0  # s; a limit against hanging, not a measure
PAUSE: Final = 0.3  # s between two looks at a request
FINAL: Final = frozenset({400, 403, 410, 422, 499})  # statuses of a result that stays as it is
INFRASTRUCTURE: Final = "x-fal-error-type"  # the header of a failure that is the request's own, not the storm's


class Programs:
    """Like `people.Crowd`: each makes one order after the other, at the pace that they are told, and waits for it."""

    def __init__(self, url: str, random: Random, count: int, seconds: float) -> None:
        self.placed: dict[uuid.UUID, Plan] = {}
        self.problems: list[str] = []
        self.presses = 0
        self.endings: Counter[str] = Counter()
        self._url, self._pace, self._plans = url, seconds / count, plans(random)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(PROGRAMS)]
        self._followers = ThreadPoolExecutor(FOLLOWERS)
        self._keys = [_key(number) for number in range(PROGRAMS)]
        # the client knows https only; its submit answer tells it every further address
        fal_client.client.QUEUE_URL_FORMAT = f"{url}/fal/queue/"

    def begin(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Nothing new is begun; what was begun is taken."""
        self._over.set()

    def finish(self) -> None:
        """Everything has ended: wait until each program knows."""
        self._followers.shutdown()

    @property
    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        client = fal_client.SyncClient(key=self._keys[number], default_timeout=20)
        while not self._over.is_set():
            with self._lock:
                plan = next(self._plans)
            if self._over.wait(max(0, self._began + plan.number * self._pace - time.monotonic())):
                break
            try:
                handle = self._order(client, plan)
            except Exception as error:
                self.problems.append(f"order {plan.number}: {error!r}")
            else:
                self._followers.submit(self._follow, handle, plan)

    def _order(self, client: fal_client.SyncClient, plan: Plan) -> Any:
        with ThreadPoolExecutor(plan.times) as hands:
            key = str(uuid.uuid4())
            handles = list(hands.map(lambda _: _insist(lambda: _submit(client, plan, key)), range(plan.times)))
        ids = {uuid.UUID(handle.request_id) for handle in handles}
        with self._lock:
            self.presses += plan.times
            self.placed |= dict.fromkeys(ids, plan)
            if len(ids) != 1:
                self.problems.append(f"order {plan.number}: one Idempotency-Key became {len(ids)} generations")
        return handles[0]

    def _follow(self, handle: Any, plan: Plan) -> None:
        try:
            if plan.cancel_after is not None:
                if plan.prompt.endswith(STUBBORN):
                    _wait_for_render(handle)
                time.sleep(plan.cancel_after)
                _insist(lambda: _cancel(handle))
            ending = _ending_of(handle)
        except Exception as error:
            self.problems.append(f"order {plan.number}: the program was not told how it ended: {error!r}")
        else:
            with self._lock:
                self.endings[ending] += 1


def _submit(client: fal_client.SyncClient, plan: Plan, key: str) -> Any:
    endpoint = Endpoint.IMAGE_TO_VIDEO if plan.kind == "image" else Endpoint.TEXT_TO_VIDEO
    arguments = {"prompt": plan.prompt, "duration": str(plan.seconds)}
    if plan.kind == "image":
        arguments["image_url"] = fal_client.encode(picture(color=plan.color), "image/jpeg")
    return client.submit(endpoint, arguments, headers={"Idempotency-Key": key})


def _cancel(handle: Any) -> None:
    """Too late is an answer too."""
    try:
        handle.cancel()
    except fal_client.FalClientHTTPError as error:
        if error.status_code != 400:
            raise


def _wait_for_render(handle: Any) -> None:
    while isinstance(_insist(handle.status), fal_client.Queued):
        time.sleep(PAUSE)


def _ending_of(handle: Any) -> str:
    """How it has ended, in a word; the video's bytes have come."""
    while not isinstance(_insist(handle.status), fal_client.Completed):
        time.sleep(PAUSE)
    found = _insist(lambda: _result(handle))
    if isinstance(found, str):
        return found
    video = found["video"]
    answer = _insist(lambda: httpx.get(video["url"], follow_redirects=True, timeout=20).raise_for_status())
    assert len(answer.content) == video["file_size"], "the video is not whole"
    return "video"


def _result(handle: Any) -> Any:
    """The output, or the reason why there is none."""
    try:
        return handle.get()
    except fal_client.FalClientHTTPError as error:
        is_its_own = INFRASTRUCTURE in error.response.headers or error.status_code in FINAL
        if not is_its_own:
            raise
        return f"reason: {error.error_type or error.status_code}" if error.message else "no reason is told"


def _key(number: int) -> str:
    user = User.objects.create_user(f"program{number}@example.com", name=f"Program {number}")
    key = Key(user=user, team=user.personal_team, name="Chaos", scopes=[Scope.READ, Scope.GENERATE])
    return key.save_with_token()


def _insist(attempt: Callable[[], T]) -> T:
    return insist(attempt, TIMEOUT, _is_final)


def _is_final(error: Exception) -> bool:
    """A refusal that stays as it is."""
    return isinstance(error, fal_client.FalClientHTTPError) and error.status_code in FINAL - {400, 403}
