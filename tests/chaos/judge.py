"""The judgement: what the sandbox's own records say against what the database and the bucket say, row by row."""

import hashlib
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from generations import bucket
from generations.models import Generation, Status, Video

FEWER_THAN_ONE_IN: Final = 200
CENTS_A_SECOND: Final = 7  # fal's price: $0.35 for 5 s, $0.70 for 10 s
_OUR_ADDRESS: Final = re.compile(r"/webhooks/fal/([0-9a-f-]{36})/")

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How all ended, how many webhooks came, and everything that is wrong, in words."""

    endings: Counter[str] = field(default_factory=Counter)
    webhooks: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    charged_cents: int = 0


def judge(records: Mapping[str, Any], files: Path) -> Judgement:
    """Look at every row. `files` is the sandbox's folder of files."""
    judgement = Judgement(charged_cents=round(records["charged_units"] * CENTS_A_SECOND))
    requests = _by_generation(records["requests"])
    rows = {row.pk: row for row in Generation.objects.select_related("video").prefetch_related("pictures")}
    for pk in requests.keys() - rows.keys():
        judgement.problems.append(f"{pk}: fal has a request for a generation that does not exist")
    for pk, row in rows.items():
        ending, problems = _Case(row, requests.get(pk, []), files).decide()
        judgement.endings[ending] += 1
        judgement.problems.extend(f"{pk} ({row.status} {row.reason}): {problem}" for problem in problems)
    judgement.problems.extend(_wrong_sum(rows.values(), judgement))
    judgement.problems.extend(_too_many_for_a_person(judgement))
    for request in records["requests"]:
        judgement.webhooks.update(f"{each['kind']}: {_taken(each)}" for each in request["deliveries"])
        judgement.problems.extend(_believed_forgeries(request))
    return judgement


def _by_generation(requests: list[Request]) -> dict[uuid.UUID, list[Request]]:
    """fal's requests by the generation that our own webhook address names."""
    found: dict[uuid.UUID, list[Request]] = defaultdict(list)
    for request in requests:
        match = _OUR_ADDRESS.search(request["webhook"] or "")
        assert match, f"a request without our webhook address: {request['id']}"
        found[uuid.UUID(match[1])].append(request)
    return found


@dataclass(frozen=True, slots=True)
class _Case:
    """One generation and the requests that fal has accepted for it."""

    row: Generation
    requests: list[Request]
    files: Path

    def decide(self) -> tuple[str, list[str]]:
        problems = self._in_any_case()
        match self.row.status:
            case Status.DONE:
                return "done", [*problems, *self._done()]
            case Status.CANCELED:
                return "canceled", [*problems, *self._without_video()]
            case Status.FAILED if self.row.reason == "outcome_unknown":
                return self._unknown(problems)
            case Status.FAILED:
                return f"failed: {self.row.reason}", [*problems, *self._without_video()]
        return f"stuck: {self.row.status}", [*problems, "it has not ended"]

    def _in_any_case(self) -> list[str]:
        ids = {request["id"] for request in self.requests}
        problems = []
        if len(self.requests) > 1:
            problems.append(f"submitted {len(self.requests)} times")
        if self.row.request_id and self.row.request_id not in ids:
            problems.append(f"its request {self.row.request_id} is not one that fal has for it")
        problems += [f"its picture is not in the bucket: {key}" for key in self._lost_pictures()]
        if self.row.needs_attention_since and self.row.status in {Status.DONE, Status.CANCELED}:
            problems.append("it has ended and still asks for a person")
        return problems

    def _lost_pictures(self) -> list[str]:
        return [picture.key for picture in self.row.pictures.all() if bucket.size_or_none(picture.key) != picture.size]

    def _done(self) -> list[str]:
        video = getattr(self.row, "video", None)
        if video is None:
            return ["done without a video"]
        problems = [] if self._successes() == 1 else [f"done, and fal made {self._successes()} videos"]
        if self.row.cost_cents != self._charged():
            problems.append(f"costs {self.row.cost_cents} cents, and fal charged {self._charged()}")
        return problems + self._stored(video)

    def _stored(self, video: Video) -> list[str]:
        """The object against the sandbox's own file."""
        try:
            data = bucket.get(video.key)
        except ClientError as error:
            return [f"its video is not in the bucket: {error}"]
        wanted = _digest(self.files / urlsplit(self.row.source_url).path.removeprefix("/files/"))
        problems = [] if str(self.row.request_id) in self.row.source_url else ["its video is another request's"]
        if (hashlib.sha256(data).hexdigest(), len(data)) != wanted or (video.sha256, video.size) != wanted:
            problems.append("its video is not fal's file")
        if bucket.size(video.poster_key) == 0:
            problems.append("its poster is empty")
        return problems

    def _without_video(self) -> list[str]:
        problems = [] if self.row.cost_cents == 0 else [f"no video, and it costs {self.row.cost_cents} cents"]
        if self._charged():
            problems.append(f"no video, and fal charged {self._charged()} cents")
        if self.row.status == Status.FAILED and not self.row.message:
            problems.append("it does not say why")
        return problems

    def _unknown(self, problems: list[str]) -> tuple[str, list[str]]:
        """In front of a person; what fal has ended could have been found by its webhook or in fal's list."""
        if self.requests:
            return "for a person: fal has it", [*problems, "given up as lost, and fal has it"]
        return "for a person: fal never had it", problems

    def _successes(self) -> int:
        return sum(request["charged_units"] > 0 for request in self.requests)

    def _charged(self) -> int:
        units: float = sum(request["charged_units"] for request in self.requests)
        return round(units * CENTS_A_SECOND)


def _wrong_sum(rows: Any, judgement: Judgement) -> list[str]:
    """What the studio says it has spent on what has ended with an answer, against what fal has charged in all."""
    spent = sum(row.cost_cents for row in rows if row.reason != "outcome_unknown")
    if spent == judgement.charged_cents:
        return []
    return [f"the studio says that {spent} cents were spent, and fal charged {judgement.charged_cents}"]


def _too_many_for_a_person(judgement: Judgement) -> list[str]:
    left = sum(count for ending, count in judgement.endings.items() if ending.startswith("for a person"))
    if left * FEWER_THAN_ONE_IN < max(sum(judgement.endings.values()), 1):
        return []
    return [f"{left} are left to a person: of {FEWER_THAN_ONE_IN} it should be less than one"]


def _taken(delivery: dict[str, Any]) -> str:
    result = delivery["result"]
    return str(result) if isinstance(result, int) else "nobody there" if delivery["kind"] != "lost" else "never sent"


def _believed_forgeries(request: Request) -> list[str]:
    taken = [each for each in request["deliveries"] if each["kind"] == "forged" and each["result"] == 200]
    return [f"{request['id']}: {len(taken)} forged webhooks were believed"] if taken else []


@cache
def _digest(path: Path) -> tuple[str, int]:
    data = path.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(data)
