"""Faults that strike by chance: `SANDBOX_FAULTS`, or `PUT /sandbox/faults` while it runs.

The text is `kind=probability` items and optionally `seed=N`, separated by commas. Each kind draws from a chance of its
own, so that the same seed strikes the same calls whatever other kinds are on.
"""

import random
from collections.abc import Callable
from typing import Final

from sandbox.job import Job
from sandbox.prompt_faults import quirks

KINDS: Final[dict[str, str]] = {
    "submit_401": "submit answers 401",
    "submit_402": "submit answers 402, nothing queued",
    "submit_403_locked": "submit answers 403: exhausted balance",
    "submit_429": "submit answers 429, nothing queued",
    "submit_429_long": "submit answers 429 with a Retry-After of 115 days, nothing queued",
    "submit_500": "submit answers 500 with an x-fal-request-id of its own, nothing queued",
    "submit_503": "submit answers 503 with an x-fal-request-id of its own, nothing queued",
    "submit_502_gateway": "submit answers a gateway's HTML 502 without x-fal-request-id, nothing queued",
    "submit_500_after": "the request is queued, then submit answers 500 with its x-fal-request-id",
    "submit_503_after": "the request is queued, then submit answers 503 with its x-fal-request-id",
    "submit_500_other_after": "the request is queued, then submit answers 500 with an x-fal-request-id of its own",
    "submit_500_bare_after": "the request is queued, then submit answers 500 without x-fal-request-id",
    "submit_503_bare_after": "the request is queued, then submit answers 503 without x-fal-request-id",
    "submit_broken_after": "the request is queued, then submit answers 200 with half a JSON object",
    "submit_cut_before": "the connection closes without an answer, nothing queued",
    "submit_cut_after": "the request is queued, then the connection closes without an answer",
    "submit_slow": "submit answers after SANDBOX_SLOW_SECONDS",
    "status_500": "status answers 500",
    "status_404": "status answers 404, although the request is there",
    "status_slow": "status answers after SANDBOX_SLOW_SECONDS",
    "status_null_urls": "the COMPLETED status has null addresses",
    "back_to_queue": "goes from IN_PROGRESS back to IN_QUEUE, once a request",
    "result_500": "result answers 500 without saying why",
    "result_504": "result answers a gateway's HTML 504 without x-fal-request-id, once a request",
    "file_truncated": "the video's file is cut halfway, once a request; Range resumes it",
    "file_drip": "the video's file comes a byte each eight seconds, once a request",
    "file_plain_type": "the video's file is said to be text/plain, once a request",
    "file_odd_redirect": "the video's file redirects to an address in raw Latin-1 that isn't there, once a request",
    "file_503": "the video's file answers 503, once a request",
    "file_html": "the video's file is an HTML page, once a request",
    "file_redirect_private": "the video's file redirects to http://10.0.0.1/, once a request",
    "file_expired": "the video's file answers 404, for good",
    "webhook_lost": "the webhook is never sent",
    "webhook_doubled": "the webhook is sent twice",
    "webhook_late": "the webhook is sent SANDBOX_SLOW_SECONDS after the end",
    "webhook_early": "the request ends at once and its webhook is sent before submit answers",
    "webhook_forged": "one more webhook with a false body and a bad signature is sent first",
    "key_rotated": "the key that signs webhooks is replaced before the webhook is sent",
    "keys_hang": "the JWKS answers after SANDBOX_SLOW_SECONDS times ten",
    "keys_broken": "the JWKS is an HTML page",
    "keys_503": "the JWKS answers 503",
    "slow": "renders ten times slower",
    "ignores_cancel": "a cancel while IN_PROGRESS changes nothing",
    "cancelled_at_fal": "somebody cancels it in fal's dashboard as soon as it is IN_PROGRESS",
}


def parse(text: str) -> tuple[dict[str, float], str]:
    """Probabilities by kind, and the seed. Raises ValueError that says what is wrong."""
    chances: dict[str, float] = {}
    seed = "0"
    for item in filter(None, (item.strip() for item in text.replace("\n", ",").split(","))):
        name, _, value = (part.strip() for part in item.partition("="))
        if name == "seed":
            seed = value
        elif name not in KINDS:
            raise ValueError(f"unknown fault {name!r}; known are {', '.join(KINDS)}")
        else:
            chances[name] = _probability(name, value)
    return chances, seed


def _probability(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} needs a probability such as 0.1, not {text!r}") from None
    if not 0 <= value <= 1:
        raise ValueError(f"{name} needs a probability from 0 to 1, not {text}")
    return value


class Faults:
    """Decides which calls a fault strikes; `on_fault` is called with each one that really happens."""

    def __init__(self, text: str, on_fault: Callable[[str], None]) -> None:
        self._on_fault = on_fault
        self.replace(text)

    def replace(self, text: str) -> None:
        chances, seed = parse(text)
        self.text = text.strip()
        self._chances = chances
        self._dice = {kind: random.Random(f"{seed}:{kind}") for kind in chances}  # noqa: S311 - a game

    def strikes(self, kind: str, job: Job | None = None) -> bool:
        """Whether it happens now: because the prompt asks for it, or by chance."""
        wanted = job is not None and kind in quirks(job.prompt)
        struck = wanted or (kind in self._dice and self._dice[kind].random() < self._chances[kind])
        if struck:
            self._on_fault(kind)
        return struck

    def strikes_once(self, kind: str, job: Job) -> bool:
        """The same, but at most once in a request's life."""
        if kind in job.happened or not self.strikes(kind, job):
            return False
        job.happened.append(kind)
        return True
