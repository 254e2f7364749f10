"""The one honest timeline: stages with their times, and the troubles between them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import Event, Generation, Status
from generations.usual_time import forget_usual_times
from generations.views.timeline import Stage, timeline
from tests.cast import make_generation, signed_in
from tests.history import rewriting_history

NOW = timezone.now()
Happened = tuple[Status, int, str]
DOWN = "fal does not answer. Trying again."
SENT: list[Happened] = [(Status.SUBMITTING, 2, ""), (Status.RENDERING, 4, "")]
MADE: list[Happened] = [*SENT, (Status.MIRRORING, 64, "")]


def told(user: User, team: Team, status: Status, happened: list[Happened], **columns: Any) -> dict[str, Stage]:
    """The timeline, by name, of a row to which this happened: status, seconds after the order, message."""
    row = make_generation(user, team, status, created_at=NOW, changed_at=NOW, **columns)
    with rewriting_history():
        row.events.all().delete()
    for state, seconds, message in [(Status.QUEUED, 0, ""), *happened]:
        Event.objects.create(generation=row, status=state, at=NOW + timedelta(seconds=seconds), message=message)
    return {stage.name: stage for stage in timeline(row, list(row.events.all()))}


def states(stages: dict[str, Stage]) -> dict[str, str]:
    return {name: stage.state for name, stage in stages.items()}


def notes(stage: Stage) -> list[tuple[str, str, int]]:
    return [(note.title, note.message, note.times) for note in stage.notes]


@pytest.mark.parametrize(
    ("status", "happened", "columns", "at"),
    [
        (Status.HELD, [], {}, 0),
        (Status.QUEUED, [], {}, 0),
        (Status.SUBMITTING, SENT[:1], {}, 0),
        (Status.RENDERING, SENT, {"queue_position": 3}, 0),
        (Status.RENDERING, SENT, {"queue_position": 0}, 0),
        (Status.RENDERING, SENT, {}, 1),
        (Status.CANCELLING, [*SENT, (Status.CANCELLING, 9, "")], {}, 1),
        (Status.MIRRORING, MADE, {}, 2),
    ],
)
def test_stage_that_it_is_at(
    film: Team, bob: User, status: Status, happened: list[Happened], columns: dict[str, Any], at: int
) -> None:
    stages = told(bob, film, status, happened, **columns)

    assert list(stages) == ["Waiting", "Rendering", "Saving", "Saved"]
    assert list(states(stages).values()) == ["done"] * at + ["now"] + ["todo"] * (3 - at)


def test_each_stage_has_its_time_and_how_long_it_took(film: Team, bob: User) -> None:
    finished = NOW + timedelta(seconds=70)
    stages = told(bob, film, Status.DONE, MADE, inference_seconds=40.0, finished_at=finished)

    assert set(states(stages).values()) == {"done"}
    assert {name: stage.took for name, stage in stages.items()} == {
        "Waiting": 24, "Rendering": 40, "Saving": 6, "Saved": None,
    }  # fmt: skip
    assert stages["Saved"].at == finished


def test_render_begins_with_its_log(film: Team, bob: User) -> None:
    began = NOW + timedelta(seconds=31)
    stages = told(bob, film, Status.RENDERING, SENT, logs=[{"timestamp": began.isoformat(), "message": "Reading"}])

    assert stages["Rendering"].at == began
    assert stages["Waiting"].took == 31


def test_log_without_times_breaks_nothing(film: Team, bob: User) -> None:
    stages = told(bob, film, Status.RENDERING, SENT, logs=[{"timestamp": "", "message": "Reading"}])

    assert stages["Rendering"].at == NOW + timedelta(seconds=4)


def test_tries_that_failed_alike_are_one_note_and_the_last_one_is_said(film: Team, bob: User) -> None:
    tries = [step for k in range(3) for step in ((Status.SUBMITTING, 10 * k, ""), (Status.QUEUED, 10 * k + 1, DOWN))]
    waiting = told(bob, film, Status.RENDERING, [*tries, (Status.SUBMITTING, 40, ""), (Status.RENDERING, 41, "")])

    assert notes(waiting["Waiting"]) == [("Not sent", DOWN, 3), ("Sent to fal", "", 1), ("fal has it", "", 1)]
    assert waiting["Waiting"].notes[0].last == NOW + timedelta(seconds=21)


def test_video_that_came_despite_a_cancel_says_so(film: Team, bob: User) -> None:
    kept = "It was made before the cancel took effect, so it is kept and charged."
    happened = [*SENT, (Status.CANCELLING, 9, ""), (Status.MIRRORING, 64, kept)]
    stages = told(bob, film, Status.DONE, happened, finished_at=NOW + timedelta(seconds=70))

    assert notes(stages["Rendering"]) == [("Cancel asked for", "", 1)]
    assert notes(stages["Saving"]) == [("", kept, 1)]


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELED, Status.REJECTED])
def test_early_end_stands_in_the_place_of_what_will_not_be(film: Team, bob: User, status: Status) -> None:
    stages = told(bob, film, status, [(status, 5, "It went wrong.")], finished_at=NOW + timedelta(seconds=5))

    assert states(stages) == {"Waiting": "done", status.label: "bad"}
    assert (stages[str(status.label)].why, stages["Waiting"].took) == ("It went wrong.", 5)


def test_cancel_in_fals_queue_never_was_a_render(film: Team, bob: User) -> None:
    happened = [*SENT, (Status.CANCELLING, 9, ""), (Status.CANCELED, 10, "")]
    row = told(bob, film, Status.CANCELED, happened, queue_position=4)

    assert list(row) == ["Waiting", "Canceled"]


def test_request_that_came_back_from_the_dead_tells_both_lives(film: Team, bob: User) -> None:
    happened = [(Status.SUBMITTING, 2, ""), (Status.FAILED, 9, "Lost."), (Status.RENDERING, 20, "An admin found it.")]
    stages = told(bob, film, Status.RENDERING, happened)

    assert notes(stages["Waiting"]) == [
        ("Sent to fal", "", 1), ("Failed", "Lost.", 1), ("fal has it", "An admin found it.", 1),
    ]  # fmt: skip
    assert states(stages)["Rendering"] == "now"


@pytest.mark.parametrize(
    ("took", "text"),
    [
        ([61, 62], None),
        ([61, 62, 63], "1–2 min"),
        ([58, 61, 130], "55 s–3 min"),
        ([41, 42, 43, 44], "40–45 s"),
        ([60, 60, 60], "about 1 min"),
        ([20, 20, 20], "about 20 s"),
        ([1, 2, 3], "up to 5 s"),
        ([0, 0, 0], "up to 5 s"),
        ([70, 80, 90, 100, 36000], "1–2 min"),  # one that was stuck tells nothing
    ],
)
def test_usual_time_is_told_once_there_are_enough_to_tell(
    film: Team, alice: User, bob: User, took: list[int], text: str | None
) -> None:
    forget_usual_times()
    now = timezone.now()
    for seconds in took:
        sent = {"submitted_at": now - timedelta(seconds=seconds), "finished_at": now}
        make_generation(alice, alice.personal_team, Status.DONE, **sent)
    for other in ({"duration": 10}, {"endpoint": Endpoint.IMAGE_TO_VIDEO}):
        make_generation(bob, film, Status.DONE, **other)
    row = make_generation(bob, film, Status.RENDERING, submitted_at=now - timedelta(seconds=48))
    page = " ".join(signed_in(bob).get(row.get_absolute_url()).content.decode().split())

    assert (f"Usually {text};" if text else "Usually") in page or text is None
    assert ("Usually" in page) is (text is not None)
    assert re.search(r'data-elapsed="4[89]">0:4[89]</span> elapsed', page)


@pytest.mark.parametrize("is_late", [False, True])
def test_longer_than_usual_is_said(film: Team, bob: User, is_late: bool) -> None:
    forget_usual_times()
    now = timezone.now()
    for _ in range(3):
        make_generation(bob, film, Status.DONE, submitted_at=now - timedelta(seconds=60), finished_at=now)
    sent = now - timedelta(seconds=300 if is_late else 30)
    row = make_generation(bob, film, Status.RENDERING, submitted_at=sent)
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()

    assert ('data-late="60" hidden' in page) is not is_late
    assert ('data-late="60">' in page) is is_late


@pytest.mark.parametrize(
    ("stored", "shown"), [("Put into the bin.", "Moved to trash."), ("Taken out of the bin.", "Restored from trash.")]
)
def test_texts_of_older_versions_are_told_as_the_new_ones(film: Team, bob: User, stored: str, shown: str) -> None:
    row = make_generation(bob, film, Status.FAILED)
    before = [stage.why for stage in timeline(row, list(row.events.all()))]
    Event.objects.create(generation=row, status=Status.FAILED, by=bob, message=stored)
    stages = timeline(row, list(row.events.all()))

    assert [note.message for note in stages[-1].notes] == [shown]
    assert [stage.why for stage in stages] == before
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()
    assert (shown in page, stored in page) == (True, False)


def test_trouble_says_when_the_next_try_is(film: Team, bob: User) -> None:
    due = timezone.now() + timedelta(minutes=3)
    row = make_generation(bob, film, Status.QUEUED, message=DOWN, reason="unreachable", attempts=4, due_at=due)
    panel = signed_in(bob).get(reverse("generation-panel", args=[row.pk])).content.decode()

    assert DOWN in panel
    assert "Next try at" in panel
    assert f"{due:%H:%M:%S}" in panel
    assert "Tried 4 times." in panel


@pytest.mark.parametrize("status", Status)
def test_every_state_has_a_timeline_in_the_part_that_moves(film: Team, bob: User, status: Status) -> None:
    row = make_generation(bob, film, status)
    panel = signed_in(bob).get(reverse("generation-panel", args=[row.pk])).content.decode()

    assert panel.count('<ol class="timeline">') == 1
    assert ('aria-current="step"' in panel) is Generation.objects.get().is_open
