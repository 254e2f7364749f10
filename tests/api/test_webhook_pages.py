"""The pages of webhooks: made and edited with nothing typed lost, secrets shown once, a log that is replayed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from api import fal_webhooks
from api.models import WebhookDelivery, WebhookEndpoint
from api.views.webhooks import PAGE_SIZE
from api.webhook_forms import MOST_ENDPOINTS
from api.webhooks.deliver import deliver_due
from tests.api.webhook_cast import make_endpoint, queued, verified
from tests.cast import make_generation, signed_in
from tests.scripted_server import Reply, ScriptedServer

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def alices(alice: User) -> Client:
    return signed_in(alice)


def values(url: str, **changes: Any) -> dict[str, Any]:
    return {"url": url, "description": "Build", "format": "standard", "events": ["generation.done"], **changes}


def path(name: str, *arguments: object) -> str:
    return reverse(name, args=["film", *arguments])


def test_webhook_is_made_and_its_secret_shown_once(film: Team, alices: Client, receiver: ScriptedServer) -> None:
    assert "No webhooks yet" in alices.get(path("webhooks")).content.decode()
    answer = alices.post(path("webhook-new"), values(receiver.url), follow=True)
    endpoint = WebhookEndpoint.objects.get()
    shown = SECRET.findall(answer.content.decode())
    assert shown == [endpoint.secret]
    assert 24 <= len(endpoint.secret) * 3 // 4 - 5 <= 64
    for page in (path("webhooks"), path("webhook", endpoint.pk), path("webhook-edit", endpoint.pk)):
        assert not SECRET.search(alices.get(page).content.decode())
    assert (endpoint.team, endpoint.events) == (film, ["generation.done"])


def test_rotated_secret_is_shown_once(endpoint: WebhookEndpoint, alices: Client) -> None:
    before = endpoint.secret
    answer = alices.post(path("webhook-act", endpoint.pk), {"verb": "rotate"}, follow=True)
    endpoint.refresh_from_db()
    assert SECRET.findall(answer.content.decode()) == [endpoint.secret]
    assert endpoint.previous_secret == before != endpoint.secret
    assert "previous secret also signs until" in answer.content.decode()
    assert not SECRET.search(alices.get(path("webhook", endpoint.pk)).content.decode())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": ""}, "This field is required"),
        ({"url": "https://10.1.2.3/hook"}, "private network"),
        ({"url": "http://93.184.215.14/hook"}, "isn&#x27;t encrypted"),
        ({"url": "nonsense"}, "web address"),
        ({"events": []}, "Choose at least one event"),
        ({"events": ["webhook.test"]}, "not one of the available choices"),
        ({"format": "fal"}, "not one of the available choices"),
        ({"format": "carrier-pigeon"}, "not one of the available choices"),
        ({"description": "x" * 201}, "at most 200 characters"),
    ],
)
@pytest.mark.parametrize("edits", [False, True])
def test_errors_stand_by_their_fields_and_nothing_is_lost(
    film: Team, alices: Client, receiver: ScriptedServer, changes: dict[str, Any], words: str, edits: bool
) -> None:
    address = path("webhook-edit", make_endpoint(film, f"{receiver.url}/old").pk) if edits else path("webhook-new")
    sent = values(f"{receiver.url}/hook", events=["generation.done", "comment.created"]) | changes
    answer = alices.post(address, sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    (field,) = changes
    assert f"id_{field}_error" in page
    assert f'value="{sent["url"]}"' in page or not sent["url"]
    assert sent["description"] in page
    if field != "events":
        assert page.count(" checked") >= 2
    assert not WebhookEndpoint.objects.filter(description="Build").exists()


def test_a_team_has_so_many(film: Team, alices: Client, receiver: ScriptedServer) -> None:
    for _ in range(MOST_ENDPOINTS):
        make_endpoint(film, receiver.url)
    answer = alices.post(path("webhook-new"), values(receiver.url))
    assert answer.status_code == 422
    assert "Delete one first" in answer.content.decode()


def test_edit_keeps_the_secret_and_the_lease(
    endpoint: WebhookEndpoint, alices: Client, receiver: ScriptedServer
) -> None:
    alices.post(path("webhook-edit", endpoint.pk), values(f"{receiver.url}/new", format="slack"))
    edited = WebhookEndpoint.objects.get()
    assert (edited.url, edited.format) == (f"{receiver.url}/new", "slack")
    assert edited.secret == endpoint.secret


def test_test_button_and_log(endpoint: WebhookEndpoint, alices: Client, receiver: ScriptedServer) -> None:
    receiver.will(Reply(400, b"<b>No such project</b>", {"X-Answer": "42"}))
    alices.post(path("webhook-act", endpoint.pk), {"verb": "test"})
    deliver_due()
    verified(receiver.asked[0], endpoint.secret)
    delivery = WebhookDelivery.objects.get()
    page = alices.get(path("webhook", endpoint.pk)).content.decode()
    assert "Retrying" in page
    assert "Failing" in page
    page = alices.get(path("webhook-delivery", endpoint.pk, delivery.pk)).content.decode()
    for words in ("&lt;b&gt;No such project", "x-answer: 42", "HTTP 400", "webhook-signature: v1,", "webhook.test"):
        assert words in page


def test_one_is_replayed_under_its_id(endpoint: WebhookEndpoint, alices: Client, receiver: ScriptedServer) -> None:
    delivery = queued(endpoint)
    deliver_due()
    alices.post(path("webhook-delivery", endpoint.pk, delivery.pk))
    deliver_due()
    assert [asked.headers["webhook-id"] for asked in receiver.asked] == [delivery.message_id] * 2
    assert delivery.attempts.count() == 2


@pytest.mark.parametrize("failed_only", [True, False])
def test_a_range_is_replayed(
    endpoint: WebhookEndpoint, alices: Client, receiver: ScriptedServer, film: Team, failed_only: bool
) -> None:
    now = timezone.now()
    other = make_endpoint(film, receiver.url)
    rows = [queued(endpoint) for _ in range(6)] + [queued(other)]
    for number, row in enumerate(rows):
        ended = {"failed_at": now} if number % 2 else {"delivered_at": now}
        hours = timedelta(hours=[0, 1, 2, 3, 4, 30, 1][number])
        WebhookDelivery.objects.filter(pk=row.pk).update(due_at=None, made_at=now - hours, **ended)
    form = {
        "verb": "replay",
        "since": (now - timedelta(hours=3, minutes=30)).strftime("%Y-%m-%dT%H:%M"),
        "until": (now - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M"),
    }
    alices.post(path("webhook-act", endpoint.pk), form | ({"failed_only": "on"} if failed_only else {}))
    again = {row.pk for row in WebhookDelivery.objects.filter(due_at__isnull=False)}
    assert again == {rows[number].pk for number in ((1, 3) if failed_only else (1, 2, 3))}


@pytest.mark.parametrize(
    "form", [{"since": "", "until": ""}, {"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, {"since": "soon"}]
)
def test_range_that_is_none(endpoint: WebhookEndpoint, alices: Client, form: dict[str, str]) -> None:
    answer = alices.post(path("webhook-act", endpoint.pk), {"verb": "replay", **form})
    assert answer.status_code == 422
    assert "_error" in answer.content.decode()


def test_off_and_on_again(endpoint: WebhookEndpoint, alices: Client) -> None:
    delivery = queued(endpoint)
    answer = alices.post(path("webhook-act", endpoint.pk), {"verb": "disable"}, follow=True)
    assert "Switched off by hand" in answer.content.decode()
    for form in ({"verb": "test"}, {"verb": "replay", "since": "2026-01-01T00:00", "until": "2036-01-01T00:00"}):
        answer = alices.post(path("webhook-act", endpoint.pk), form, follow=True)
        assert "Switch it on first" in answer.content.decode()
    assert deliver_due() == 0
    alices.post(path("webhook-act", endpoint.pk), {"verb": "enable"})
    alices.post(path("webhook-delivery", endpoint.pk, delivery.pk))
    assert deliver_due() == 1


def test_delete_takes_the_log_along(endpoint: WebhookEndpoint, alices: Client) -> None:
    queued(endpoint)
    alices.post(path("webhook-act", endpoint.pk), {"verb": "delete"})
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_log_is_read_page_by_page(endpoint: WebhookEndpoint, alices: Client) -> None:
    rows = [queued(endpoint) for _ in range(PAGE_SIZE + 7)]
    seen: list[str] = []
    address = path("webhook", endpoint.pk)
    while address:
        page = alices.get(address).content.decode()
        seen += re.findall(rf"{endpoint.pk}/([0-9a-f-]{{36}})/", page)
        older = re.search(r'href="(\?[^"]*before=[^"]+)"', page)
        address = path("webhook", endpoint.pk) + older[1].replace("&amp;", "&") if older else ""
    assert seen == [str(row.pk) for row in reversed(rows)]
    for nonsense in ("x", "2026-01-01_", "2026-01-01T00:00:00_" + str(rows[0].pk), "_"):
        assert alices.get(path("webhook", endpoint.pk), {"before": nonsense}).status_code == 404


def test_receivers_of_api_requests_have_a_log_and_no_switch(
    film: Team, alices: Client, bob: User, receiver: ScriptedServer
) -> None:
    fal_webhooks.register(make_generation(bob, film), f"{receiver.url}/done?token=x")
    endpoint = WebhookEndpoint.objects.get()
    page = alices.get(path("webhooks")).content.decode()
    assert receiver.url in page
    assert "token=x" not in page
    assert alices.get(path("webhook", endpoint.pk)).status_code == 200
    assert alices.get(path("webhook-edit", endpoint.pk)).status_code == 404
    for verb in ("test", "rotate", "enable", "disable", "delete"):
        assert alices.post(path("webhook-act", endpoint.pk), {"verb": verb}).status_code == 400


def test_other_teams_webhooks_are_not_found(endpoint: WebhookEndpoint, mallory: User) -> None:
    own = Team.objects.get_queryset().get(personal_of=mallory)
    client = signed_in(mallory)
    delivery = queued(endpoint)
    for name, arguments in (("webhook", ()), ("webhook-edit", ()), ("webhook-delivery", (delivery.pk,))):
        address = reverse(name, args=[own.slug, endpoint.pk, *arguments])
        assert client.get(address).status_code == 404
        assert client.post(address).status_code in {404, 405}
    assert client.post(reverse("webhook-act", args=[own.slug, endpoint.pk]), {"verb": "delete"}).status_code == 404
