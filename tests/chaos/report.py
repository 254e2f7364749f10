"""What a trial found, as lines for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generations.models import Generation
from tests.chaos.judge import Judgement
from tests.chaos.people import Crowd
from tests.chaos.processes import Studio
from tests.chaos.programs import Programs
from tests.chaos.storm import Storm

PASSED: Final = "PASSED"


@dataclass(frozen=True, slots=True)
class Found:
    """`raged` and `waited` in seconds."""

    seed: int
    raged: float
    waited: float
    crowd: Crowd | Programs
    storm: Storm
    studio: Studio
    judgement: Judgement


def lines(found: Found) -> list[str]:
    judgement, crowd = found.judgement, found.crowd
    problems = [*crowd.problems, *judgement.problems, *_lost_orders(crowd), *_too_seldom(found.storm)]
    return [
        f"Seed {found.seed}: {len(crowd.placed)} generations, ordered by {crowd.presses} presses of the button.",
        f"A storm of {found.raged:.0f} s, and {found.waited:.0f} s after it until all had ended.",
        "",
        "What happened, and how often",
        *_table(found.storm.happened().items()),
        "",
        "Processes that ended by themselves and were started again",
        *(_table(sorted(found.studio.ended_by_itself.items())) or ["  none"]),
        "",
        "How the generations ended",
        *_table(judgement.endings.most_common()),
        *_told(crowd),
        "",
        "Webhooks, and what the studio answered",
        *_table(sorted(judgement.webhooks.items())),
        "",
        f"fal charged {judgement.charged_cents} cents",
        *_stuck(),
        "",
        *(f"WRONG: {problem}" for problem in problems),
        f"FAILED: {len(problems)} things are wrong; the logs are in {found.studio.var}" if problems else PASSED,
    ]


def _told(crowd: Crowd | Programs) -> list[str]:
    if isinstance(crowd, Crowd):
        return []
    return ["", "What the programs were told at last", *_table(crowd.endings.most_common())]


def _table(rows: Iterable[tuple[str, int]]) -> list[str]:
    return [f"  {name:<44} {count:>6}" for name, count in rows]


def _lost_orders(crowd: Crowd | Programs) -> list[str]:
    """An order that was taken has a row, and a row has an order."""
    rows = set(Generation.objects.values_list("pk", flat=True))
    placed = set(crowd.placed)
    lost = [f"{pk}: the studio took the order and has no row" for pk in placed - rows]
    return lost + [f"{pk}: a row that nobody ordered" for pk in rows - placed]


def _too_seldom(storm: Storm) -> list[str]:
    happened = storm.happened()
    return [f"only {happened[kind]} times: {kind}" for kind in storm.lacking()]


def _stuck() -> list[str]:
    rows = Generation.objects.open().order_by("created_at")
    if not rows:
        return []
    return [
        "",
        "Stuck",
        *(
            f"  {row.pk} {row.status:<10} {row.reason:<20} attempts {row.attempts}, request {row.request_id}, "
            f"due {row.due_at:%H:%M:%S}, lease until {row.lease_until}, {row.message[:80]}"
            for row in rows
        ),
    ]
