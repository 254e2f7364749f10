"""The body of a message in each format."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.utils.text import Truncator

from api.models import WebhookEndpoint, WebhookFormat
from api.webhooks.occurrence import Occurrence

_MOST_TEXT: Final = 600  # characters that a chat shows of a prompt or a comment


def render(endpoint: WebhookEndpoint, what: Occurrence, poster: str = "") -> str:
    """JSON. `poster` is a picture that opens without signing in, or nothing."""
    return json.dumps(_BUILDERS[WebhookFormat(endpoint.format)](what, poster), ensure_ascii=False)


def _standard(what: Occurrence, poster: str) -> dict[str, Any]:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure"""
    return {"type": str(what.event), "timestamp": what.at.isoformat(), "data": what.data}


def _title(what: Occurrence) -> str:
    return f"{what.event.label} · {what.team.name}"


def _short(text: str) -> str:
    return Truncator(text).chars(_MOST_TEXT)


def _slack(what: Occurrence, poster: str) -> dict[str, Any]:
    """https://docs.slack.dev/reference/block-kit/blocks; `text` is what a notification says."""
    title = _title(what)
    blocks: list[dict[str, Any]] = [{"type": "section", "text": _mrkdwn(f"*<{what.url}|{_slack_text(title)}>*")}]
    if what.text:
        plain = {"type": "plain_text", "text": _short(what.text), "emoji": False}
        blocks.append({"type": "section", "text": plain})
    if what.facts:
        fields = [_mrkdwn(f"*{_slack_text(name)}*\n{_slack_text(_short(value))}") for name, value in what.facts]
        blocks.append({"type": "section", "fields": fields})
    if poster:
        blocks.append({"type": "image", "image_url": poster, "alt_text": title[:2000]})
    return {"text": _slack_text(title), "blocks": blocks}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _slack_text(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _discord(what: Occurrence, poster: str) -> dict[str, Any]:
    """https://discord.com/developers/docs/resources/webhook#execute-webhook; nobody is pinged by what a prompt says."""
    embed: dict[str, Any] = {
        "title": _title(what)[:256],
        "url": what.url,
        "description": _markdown_text(_short(what.text)),
        "timestamp": what.at.isoformat(),
        "fields": [
            {"name": name, "value": _markdown_text(_short(value)) or "–", "inline": True} for name, value in what.facts
        ],
    }
    if poster:
        embed["image"] = {"url": poster}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _markdown_text(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\`*_~|[]()<>#@" else character for character in text)


def _teams(what: Occurrence, poster: str) -> dict[str, Any]:
    """An Adaptive Card, as the workflow “Post to a channel when a webhook request is received” takes it.

    https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook
    """
    text = {"type": "TextBlock", "wrap": True}
    title = {**text, "text": _markdown_text(_title(what)), "weight": "Bolder", "size": "Medium"}
    body: list[dict[str, Any]] = [title]
    if what.text:
        body.append({**text, "text": _markdown_text(_short(what.text))})
    if what.facts:
        facts = [{"title": name, "value": _markdown_text(_short(value))} for name, value in what.facts]
        body.append({"type": "FactSet", "facts": facts})
    if poster:
        body.append({"type": "Image", "url": poster, "altText": _title(what)})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": what.url}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


_BUILDERS: Final[dict[WebhookFormat, Callable[[Occurrence, str], dict[str, Any]]]] = {
    WebhookFormat.STANDARD: _standard,
    WebhookFormat.SLACK: _slack,
    WebhookFormat.DISCORD: _discord,
    WebhookFormat.TEAMS: _teams,
}
