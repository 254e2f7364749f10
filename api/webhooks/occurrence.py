"""What happened, as receivers read it: ids and addresses, and the prompt as far as privacy lets it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Team, User
from api.models import WebhookEvent
from generations.models import BudgetWarning, Decision, Event, Generation, Status, dollars
from sharing.models import Comment, Verdict

ENDED: Final = {
    Status.DONE: WebhookEvent.DONE,
    Status.FAILED: WebhookEvent.FAILED,
    Status.CANCELED: WebhookEvent.CANCELED,
    Status.REJECTED: WebhookEvent.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened in a team. `source` names the row that tells of it, and is unique among all rows.

    `data` is what programs read; `text` and `facts` are for people in a chat; `url` is the page about it.
    """

    source: str
    event: WebhookEvent
    team: Team
    at: datetime
    url: str
    data: dict[str, Any]
    text: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    generation: Generation | None = None


def is_open_to_team(row: Generation) -> bool:
    """Whether everybody in the team may see it: of others no word and no picture leaves the studio."""
    is_gone = row.taken_down_at or row.deleted_at or row.trashed_at
    return not (row.is_private or row.awaits_review or is_gone)


def ended(event: Event) -> Occurrence:
    row = event.generation
    is_open = is_open_to_team(row)
    facts = [(_("By"), str(row.owner)), (_("Cost"), dollars(row.cost_cents))]
    if event.status == Status.FAILED:
        facts.append((_("Reason"), row.message if is_open else row.reason))
    kind = ENDED[Status(event.status)]
    return _about(row, kind, f"event:{event.pk}:{_moment(event.at)}", event.at, facts=facts)


def approval_requested(rows: list[Generation], at: datetime) -> Occurrence:
    """One press of the button, however many videos it asks for."""
    first, cents = rows[0], sum(row.cost_cents for row in rows)
    url = _url("team-approvals", first.team.slug)
    more = {"generations": [str(row.pk) for row in rows], "total_cents": cents, "approval_url": url}
    facts = [(_("By"), str(first.owner)), (_("Videos"), str(len(rows))), (_("Cost"), dollars(cents))]
    source = f"approval:{first.batch or first.pk}"
    return _about(first, WebhookEvent.APPROVAL, source, at, more=more, facts=facts, url=url)


def budget_warning(warning: BudgetWarning) -> Occurrence:
    team, url = warning.team, _url("team-usage", warning.team.slug)
    limit = team.monthly_limit_cents if warning.user is None else None
    data = {
        "url": url,
        "team": _team(team),
        "user": _user(warning.user),
        "month": warning.month.strftime("%Y-%m"),
        "percent": warning.percent,
        "limit_cents": limit,
    }
    whose = str(warning.user or team)
    text = _("%(percent)d %% of the monthly budget of %(whose)s is used.") % {
        "percent": warning.percent,
        "whose": whose,
    }
    source = f"budget:{warning.pk}:{_moment(warning.at)}"
    return Occurrence(source, WebhookEvent.BUDGET, team, warning.at, url, data, text)


def comment_created(comment: Comment) -> Occurrence:
    said = comment.text if is_open_to_team(comment.generation) else None
    more = {
        "comment": {
            "id": str(comment.pk),
            "author": comment.author,
            "is_guest": comment.guest_id is not None,
            "text": said,
            "start": comment.start,
            "end": comment.end,
            "reply_to": str(comment.parent_id) if comment.parent_id else None,
        }
    }
    facts = [(_("By"), comment.author)]
    return _review(
        comment.generation, WebhookEvent.COMMENT, f"comment:{comment.pk}", comment.created_at, said, more, facts
    )


def verdict_given(verdict: Verdict) -> Occurrence:
    said = verdict.note if is_open_to_team(verdict.generation) else None
    more = {
        "verdict": {
            "kind": verdict.kind,
            "author": verdict.author,
            "is_guest": verdict.guest_id is not None,
            "note": said,
        }
    }
    facts = [(_("By"), verdict.author), (_("Verdict"), str(verdict.get_kind_display()))]
    source = f"verdict:{verdict.pk}:{_moment(verdict.at)}"
    return _review(verdict.generation, WebhookEvent.VERDICT, source, verdict.at, said, more, facts)


def decided(decision: Decision) -> Occurrence:
    """A take-down, or its end. Why is for its owner and those who manage the team, who read it on its page."""
    assert decision.generation
    kind = WebhookEvent.TAKE_DOWN if decision.kind == "take_down" else WebhookEvent.RESTORED
    return _about(decision.generation, kind, f"decision:{decision.pk}:{_moment(decision.at)}", decision.at)


def test(team: Team, at: datetime) -> Occurrence:
    url = _url("team", team.slug)
    data = {"url": url, "team": _team(team), "message": "It works."}
    return Occurrence(f"test:{uuid.uuid4()}", WebhookEvent.TEST, team, at, url, data, _("This is a test. It works."))


def _review(
    row: Generation,
    kind: WebhookEvent,
    source: str,
    at: datetime,
    said: str | None,
    more: dict[str, Any],
    facts: list[tuple[str, str]],
) -> Occurrence:
    url = _url("review", row.pk)
    return _about(row, kind, source, at, text=said or "", more={**more, "review_url": url}, facts=facts, url=url)


def _about(
    row: Generation,
    kind: WebhookEvent,
    source: str,
    at: datetime,
    *,
    text: str | None = None,
    more: dict[str, Any] | None = None,
    facts: Iterable[tuple[str, str]] = (),
    url: str = "",
) -> Occurrence:
    data = generation_data(row) | (more or {})
    said = row.prompt if is_open_to_team(row) else _("(private)")
    return Occurrence(
        source, kind, row.team, at, url or data["url"], data, said if text is None else text, list(facts), row
    )


def generation_data(row: Generation) -> dict[str, Any]:
    """What every event of a video says of it. Its message may quote the prompt, and goes with it."""
    is_open = is_open_to_team(row)
    has_video = is_open and row.status == Status.DONE
    return {
        "id": str(row.pk),
        "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        "team": _team(row.team),
        "user": _user(row.owner),
        "status": row.status,
        "reason": row.reason or None,
        "message": (row.message or None) if is_open else None,
        "endpoint": row.endpoint,
        "duration": row.duration,
        "aspect_ratio": row.aspect_ratio or None,
        "batch": str(row.batch) if row.batch else None,
        "is_private": row.is_private,
        "prompt": row.prompt if is_open else None,
        "cost_cents": row.cost_cents,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "video_url": _url("generation-video", row.pk) if has_video else None,
        "poster_url": _url("generation-poster", row.pk) if has_video else None,
    }


def _team(team: Team) -> dict[str, str]:
    return {"id": str(team.pk), "slug": team.slug, "name": team.name}


def _user(user: User | None) -> dict[str, Any] | None:
    return {"id": user.pk, "name": str(user)} if user else None


def _url(name: str, *arguments: object) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=arguments)}"


def _moment(at: datetime) -> str:
    """A restored database counts its rows anew: a number alone may come a second time."""
    return str(int(at.timestamp() * 1_000_000))
