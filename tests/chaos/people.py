"""The people of the trial: they order videos through the composer's real form, and insist until it has taken them.

Some press the button twice; some orders go in by `place_order`, which saves time and wakes no worker.
"""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

import fal_client
import httpx
from allauth.account.models import EmailAddress
from botocore.exceptions import BotoCoreError, ClientError
from django.db import Error, close_old_connections

from accounts.models import User
from generations import bucket, pictures
from generations.fal.arguments import Endpoint, parse
from generations.models import Generation, Slot, Status
from generations.orders.place import Order, place_order, save_upload
from tests.cast import picture

T = TypeVar("T")

PASSWORD: Final = "chaos test"
PEOPLE: Final = 4
COLORS: Final = ("teal", "crimson", "gold", "navy", "olive", "orchid")
TIMEOUT: Final = 120.0  # s; a limit against hanging, not a measure
UNTIL_AT_FAL: Final = 900.0  # s; the same for an order that has to get there first, through every outage
REFUSALS: Final = ("content_policy_violation", "no_media_generated", "runner_disconnected", "internal_error")
TROUBLE: Final = (
    *(httpx.HTTPError, fal_client.FalClientError, AssertionError, Error),
    *(bucket.BucketDownError, BotoCoreError, ClientError),
)
STUBBORN: Final = " [sandbox: slow] [sandbox: ignores_cancel]"
_SIGN_IN: Final = "/accounts/login/"
_COMPOSER: Final = "/generations/new/"
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_FORM_KEY: Final = re.compile(r'name="idempotency_key" value="([^"]+)"')
_PAGE: Final = re.compile(r"/generations/new/\?made=([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class Plan:
    """One order that somebody will make. `times`: how often the button is pressed."""

    number: int
    prompt: str
    kind: str
    seconds: int
    times: int
    by_form: bool
    color: str
    cancel_after: float | None


def plans(random: Random) -> Iterator[Plan]:
    """Orders without end; each twentieth or so is refused by the model, or fails in fal's own machinery.

    Each twentieth is so slow that its cancel, which fal ignores, comes while it renders: chance alone brings too few.
    """
    number = 0
    while True:
        number += 1
        stubborn = number % 20 == 13
        word = f" [sandbox: {random.choice(REFUSALS)}]" if random.random() < 0.06 or number in (5, 11, 17) else ""
        word = STUBBORN if stubborn else word
        yield Plan(
            number=number,
            prompt=f"Chaos {number} {random.randbytes(6).hex()}: embers over a harbour{word}",
            kind="image" if random.random() < 0.3 else "text",
            seconds=10 if random.random() < 0.2 else 5,
            times=random.choice((1, 1, 1, 2, 3)),
            by_form=random.random() < 0.6,
            color=random.choice(COLORS),
            cancel_after=random.uniform(0, 4) if stubborn or random.random() < 0.04 else None,
        )


class Crowd:
    """People in threads who make one order after the other, at the pace that they are told."""

    def __init__(self, url: str, random: Random, count: int, seconds: float) -> None:
        self.placed: dict[uuid.UUID, Plan] = {}
        self.problems: list[str] = []
        self.presses = 0
        self._pace = seconds / count
        self._plans = plans(random)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._over = threading.Event()
        self._people = [Person(url, _person(number)) for number in range(PEOPLE)]
        self._threads = [threading.Thread(target=self._make_orders, args=(one,), daemon=True) for one in self._people]

    def begin(self) -> None:
        for person in self._people:
            person.sign_in()
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Nothing new is begun; what was begun is brought to its end."""
        self._over.set()

    def finish(self) -> None:
        """People look into the gallery; nobody waits for an answer."""

    @property
    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _make_orders(self, person: "Person") -> None:
        while not self._over.is_set():
            with self._lock:
                plan = next(self._plans)
            if self._over.wait(max(0, self._began + plan.number * self._pace - time.monotonic())):
                break
            try:
                self._take_note(plan, person.order(plan))
                person.cancel_later(self.placed, plan)
            except Exception as error:
                self.problems.append(f"order {plan.number}: {error!r}")
        person.finish()

    def _take_note(self, plan: Plan, ids: list[uuid.UUID]) -> None:
        with self._lock:
            self.presses += plan.times
            self.placed |= dict.fromkeys(ids, plan)
            if len(set(ids)) != 1:
                self.problems.append(f"order {plan.number}: one form became {len(set(ids))} generations")


class Person:
    """One person with a browser, signed in once."""

    def __init__(self, url: str, user: User) -> None:
        self._user = user
        self._team = user.personal_team
        self._browser = httpx.Client(base_url=url, timeout=20, headers={"Referer": url})
        self._cancels: list[threading.Timer] = []

    def order(self, plan: Plan) -> list[uuid.UUID]:
        """The id of the generation, once for each time that the button was pressed."""
        idempotency_key = uuid.uuid4()
        if not plan.by_form:
            return [insist(lambda: self._place(plan, idempotency_key)) for _ in range(plan.times)]
        page = insist(self._composer)
        with ThreadPoolExecutor(plan.times) as hands:
            presses = [hands.submit(insist, lambda: self._post(page, plan)) for _ in range(plan.times)]
            return [press.result() for press in presses]

    def cancel_later(self, placed: dict[uuid.UUID, Plan], plan: Plan) -> None:
        if plan.cancel_after is not None:
            (pk,) = [pk for pk, each in placed.items() if each is plan]
            timer = threading.Timer(plan.cancel_after, lambda: insist(lambda: self._cancel(pk, plan), UNTIL_AT_FAL))
            timer.daemon = True
            timer.start()
            self._cancels.append(timer)

    def finish(self) -> None:
        for timer in self._cancels:
            timer.join()
        self._browser.close()

    def _cancel(self, pk: uuid.UUID, plan: Plan) -> bool:
        generation = Generation.objects.get(pk=pk)
        if plan.prompt.endswith(STUBBORN) and generation.reason not in {"answer_lost", "overdue"}:
            assert generation.status not in {Status.QUEUED, Status.SUBMITTING}, "fal can't ignore what it hasn't got"
        generation.cancel(self._user)
        return True

    def _place(self, plan: Plan, idempotency_key: uuid.UUID) -> uuid.UUID:
        is_image = plan.kind == "image"
        endpoint = Endpoint.IMAGE_TO_VIDEO if is_image else Endpoint.TEXT_TO_VIDEO
        values: dict[str, Any] = {"prompt": plan.prompt, "duration": plan.seconds}
        values |= {"image_url": "data:image/kept"} if is_image else {"aspect_ratio": "1:1"}
        kept = save_upload(self._user, pictures.read("image", picture(color=plan.color))) if is_image else None
        order = Order(
            user=self._user,
            team=self._team,
            idempotency_key=idempotency_key,
            endpoint=endpoint,
            arguments=parse(endpoint, values),
            pictures={Slot.START: kept} if kept else {},
        )
        return place_order(order).pk

    def _composer(self) -> str:
        """The form as the browser gets it."""
        answer = self._browser.get(_COMPOSER)
        assert answer.status_code == 200, answer.status_code
        return answer.text

    def sign_in(self) -> None:
        """Before the storm: users who try again and again while the database is away are kept waiting, for safety."""
        page = self._browser.get(_SIGN_IN).text
        values = {"login": self._user.email, "password": PASSWORD, "csrfmiddlewaretoken": _found(_TOKEN, page)}
        answer = self._browser.post(_SIGN_IN, data=values)
        assert answer.status_code == 302, answer.status_code

    def _post(self, page: str, plan: Plan) -> uuid.UUID:
        values = {
            "csrfmiddlewaretoken": _found(_TOKEN, page),
            "idempotency_key": _found(_FORM_KEY, page),
            "kind": plan.kind,
            "team": self._team.slug,
            "prompt": plan.prompt,
            "duration": str(plan.seconds),
            "aspect_ratio": "16:9",
            "cfg_scale": "0.5",
        }
        files = {"start_file": ("a.jpg", picture(color=plan.color), "image/jpeg")} if plan.kind == "image" else None
        answer = self._browser.post(_COMPOSER, data=values, files=files)
        assert answer.status_code == 302, answer.status_code
        return uuid.UUID(_found(_PAGE, answer.headers["location"]))


def _person(number: int) -> User:
    user = User.objects.create_user(f"chaos{number}@example.com", PASSWORD, name=f"Chaos {number}")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


def insist(
    attempt: Callable[[], T], timeout: float = TIMEOUT, is_final: Callable[[Exception], bool] = lambda _: False
) -> T:
    """Try until the studio takes it, as somebody does who wants a video. `timeout` in seconds.

    What `is_final` says is an answer, and no trouble.
    """
    give_up = time.monotonic() + timeout
    while True:
        try:
            return attempt()
        except TROUBLE as error:
            close_old_connections()
            if is_final(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.4)


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    assert match, f"no {pattern.pattern} in what the studio answered"
    return match[1]
