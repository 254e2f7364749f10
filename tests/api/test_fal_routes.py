"""fal's queue as the studio speaks it: what is sent, how it stands, what came of it."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from api.models import ApiRequest, FalWebhook, Key
from api.webhook_address import WebhookUrlError
from generations.fal.arguments import Duration, Endpoint
from generations.models import BannedFile, Generation, Hold, PromptRule, Status, TeamPause
from generations.pictures import Picture, read
from sharing.models import ShareLink, SharingPolicy, TeamSharing
from tests.api.conftest import client_with, make_key
from tests.cast import make_generation, make_video, picture, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once", "host_elsewhere")]

TEXT: Final = Endpoint.TEXT_TO_VIDEO
IMAGE: Final = Endpoint.IMAGE_TO_VIDEO
APP: Final = "/fal/queue/fal-ai/kling-video/requests"
JPEG: Final = "data:image/jpeg;base64," + base64.b64encode(picture()).decode()


def submit(client: Client, values: Any, endpoint: str = TEXT, query: str = "", **headers: str) -> Any:
    body = values if isinstance(values, bytes | str) else json.dumps(values)
    address = f"/fal/queue/{endpoint}{query}"
    return client.post(address, body, content_type="application/json", headers=headers)


def made(client: Client, **values: Any) -> Generation:
    """What one submit has made."""
    answer = submit(client, {"prompt": "A fox in the snow", **values})
    assert answer.status_code == 200, answer.content
    return Generation.objects.get(pk=answer.json()["request_id"])


def of_key(key: Key, status: Status, **columns: Any) -> Generation:
    """A request of the key in that state."""
    row = make_generation(key.user, key.team, status, **columns)
    ApiRequest.objects.create(generation=row, key=key)
    return row


# --- submit


def test_submit_makes_a_generation_like_any_other(bobs: Client, bob: User, film: Team, settings: Settings) -> None:
    answer = submit(bobs, {"prompt": "A fox", "duration": 10, "aspect_ratio": "9:16", "cfg_scale": 0.7, "seed": 1})
    row = Generation.objects.get()
    own = f"{settings.SITE_URL}{APP}/{row.pk}"
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "IN_QUEUE",
        "request_id": str(row.pk),
        "response_url": own,
        "status_url": f"{own}/status",
        "cancel_url": f"{own}/cancel",
        "logs": None,
        "metrics": {},
        "queue_position": 0,
    }
    assert answer.headers["x-fal-request-id"] == str(row.pk)
    assert (row.user, row.team, row.status, row.cost_cents) == (bob, film, Status.QUEUED, 70)
    assert (row.prompt, row.duration, row.aspect_ratio, row.cfg_scale) == ("A fox", 10, "9:16", 0.7)
    assert row.events.get().by == bob
    assert row.api_request.key.user == bob


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_every_endpoint_is_there(endpoint: Endpoint, slash: str, bobs: Client) -> None:
    answer = submit(bobs, {"prompt": "A fox", "image_url": JPEG, "tail_image_url": JPEG}, f"{endpoint}{slash}")
    row = Generation.objects.get(pk=answer.json()["request_id"])
    assert row.endpoint == endpoint
    assert row.cost_cents == endpoint.terms.cents[Duration.FIVE]
    slots = {"image_url": "start", "tail_image_url": "tail"}  # what an endpoint does not take is ignored, as fal does
    assert sorted(row.pictures.values_list("slot", flat=True)) == [
        slots[name] for name in slots if name in endpoint.fields
    ]


@pytest.mark.parametrize(
    ("endpoint", "values", "field", "type_", "ctx"),
    [
        (TEXT, {}, "prompt", "missing", None),
        (TEXT, {"prompt": " "}, "prompt", "sequence_too_short", {"min_length": 1}),
        (TEXT, {"prompt": "x" * 2501}, "prompt", "sequence_too_long", {"max_length": 2500}),
        (TEXT, {"prompt": "a\0b"}, "prompt", "string_unicode", None),
        (TEXT, {"prompt": 5}, "prompt", "string_type", None),
        (TEXT, {"prompt": "x", "duration": "7"}, "duration", "one_of", {"expected": ["5", "10"]}),
        (TEXT, {"prompt": "x", "duration": True}, "duration", "one_of", {"expected": ["5", "10"]}),
        (TEXT, {"prompt": "x", "aspect_ratio": "2:1"}, "aspect_ratio", "one_of", None),
        (TEXT, {"prompt": "x", "cfg_scale": 2}, "cfg_scale", "less_than_equal", {"le": 1.0}),
        (TEXT, {"prompt": "x", "cfg_scale": -1}, "cfg_scale", "greater_than_equal", {"ge": 0.0}),
        (TEXT, {"prompt": "x", "cfg_scale": "much"}, "cfg_scale", "float_parsing", None),
        (IMAGE, {"prompt": "x"}, "image_url", "missing", None),
        (IMAGE, {"prompt": "x", "image_url": "blob:http://x"}, "image_url", "image_load_error", None),
        (IMAGE, {"prompt": "x", "image_url": 5}, "image_url", "string_type", None),
        (IMAGE, {"prompt": "x", "image_url": "data:image/png;base64,AAAA"}, "image_url", "image_load_error", None),
        (IMAGE, {"prompt": "x", "image_url": "data:image/png;base64,A"}, "image_url", "image_load_error", None),
        (IMAGE, {"prompt": "x", "image_url": "data:image/png"}, "image_url", "image_load_error", None),
        (
            IMAGE,
            {"prompt": "x", "image_url": JPEG, "tail_image_url": "data:,x"},
            "tail_image_url",
            "image_load_error",
            None,
        ),
    ],
)
def test_input_that_breaks_a_rule(
    endpoint: str, values: dict[str, Any], field: str, type_: str, ctx: Any, bobs: Client
) -> None:
    answer = submit(bobs, values, endpoint)
    (found,) = answer.json()["detail"]
    assert answer.status_code == 422
    assert (found["loc"], found["type"]) == (["body", field], type_)
    assert found["url"] == f"https://docs.fal.ai/errors/#{type_}"
    assert found["msg"]
    assert ctx is None or found["ctx"] == ctx
    assert len(json.dumps(found)) < 3000
    assert (answer.headers["X-Fal-Retryable"], answer.headers["x-fal-billable-units"]) == ("false", "0")
    assert answer.headers["x-fal-request-id"]
    assert not Generation.objects.exists()


def test_small_picture_says_how_large_it_must_be(bobs: Client) -> None:
    small = "data:image/png;base64," + base64.b64encode(picture("PNG", (200, 200))).decode()
    (found,) = submit(bobs, {"prompt": "x", "image_url": small}, IMAGE).json()["detail"]
    assert (found["type"], found["ctx"]) == ("image_too_small", {"min_width": 300, "min_height": 300})
    assert found["loc"] == ["body", "image_url"]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '"x"', "null", "5", b"\xff\xfe\xfa", "[" * 100_000, '{"prompt": NaN}', '{"x": ' + "9" * 5000 + "}"],
    ids=["empty", "cut", "list", "text", "null", "number", "bytes", "deep", "NaN", "long number"],
)
def test_body_that_is_no_object(body: Any, bobs: Client) -> None:
    answer = submit(bobs, body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]


def test_lone_surrogate_is_an_error_of_the_input(bobs: Client) -> None:
    answer = submit(bobs, '{"prompt": "a \\ud800 fox"}')
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "prompt"]


@pytest.mark.parametrize(
    "values",
    [
        *('{"prompt": "x", "cfg_scale": 1e999}', '{"prompt": "x", "duration": -1e999}', '{"prompt": {"a": [1e999]}}'),
        '{"prompt": ["' + "x" * 100_000 + '"]}',
    ],
)
def test_errors_that_echo_the_input_are_short_and_json(values: str, bobs: Client) -> None:
    """Python makes an infinity of 1e999, and writes it as no other reader of JSON takes it."""
    answer = submit(bobs, values)
    assert answer.status_code == 422
    assert json.loads(answer.content, parse_constant=pytest.fail)["detail"]
    assert len(answer.content) < 3000


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?fal_webhook=https%3A%2F%2Fa.example%2Fhook", 200),
        ("?fal_webhook=", 200),
        ("?fal_webhook=nowhere", 422),
        ("?fal_webhook=ftp%3A%2F%2Fa.example", 422),
        ("?fal_webhook=https%3A%2F%2F", 422),
        ("?fal_webhook=https%3A%2F%2F10.0.0.1%2F", 422),
        ("?fal_webhook=https%3A%2F%2Fa.example%3A99999999", 422),
        ("?fal_webhook=https%3A%2F%2F%5B%3A%3A", 422),
        ("?fal_webhook=https%3A%2F%2Fa.example%2F" + "x" * 2000, 422),
    ],
)
def test_webhook_that_is_no_address(query: str, status: int, bobs: Client) -> None:
    answer = submit(bobs, {"prompt": "A fox"}, query=query)
    assert answer.status_code == status
    assert status == 200 or answer.json()["detail"][0]["loc"] == ["query", "fal_webhook"]
    assert Generation.objects.count() == (status == 200)
    assert FalWebhook.objects.count() == (query.endswith("hook"))


def test_order_sent_again_asks_for_no_name_again(bobs: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of names may be down by then, and the order is there."""
    query, key = "?fal_webhook=https%3A%2F%2Fa.example%2Fhook", {"Idempotency-Key": "order-17"}
    first = submit(bobs, {"prompt": "A fox"}, query=query, **key)

    def down(_: str) -> None:
        raise WebhookUrlError("a.example is not known.")

    monkeypatch.setattr("api.webhook_address.check", down)
    assert submit(bobs, {"prompt": "A fox"}, query=query).status_code == 422
    assert submit(bobs, {"prompt": "A fox"}, query=query, **key).json() == first.json()


# --- refusals in fal's words


def test_team_budget_is_a_lock(bobs: Client, film: Team) -> None:
    Team.objects.get_queryset().update(monthly_limit_cents=34)
    answer = submit(bobs, {"prompt": "A fox"})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("User is locked. Reason: User budget is exceeded. This costs $0.35")
    assert not Generation.objects.exists()


def test_limit_of_the_key(bob: User, film: Team) -> None:
    """Of this key alone, and of this month alone."""
    key, token = make_key(bob, film, monthly_limit_cents=70)
    last_month = of_key(key, Status.DONE)
    Generation.objects.filter(pk=last_month.pk).update(created_at=timezone.now() - timedelta(days=40))
    make_generation(bob, film, Status.DONE)
    client = client_with(token)
    made(client)
    made(client)
    answer = submit(client, {"prompt": "A third"})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("User is locked. Reason: User budget is exceeded. ")
    assert key.prefix in answer.json()["detail"]
    assert Generation.objects.filter(prompt="A third").count() == 0
    other = client_with(make_key(bob, film)[1])
    assert submit(other, {"prompt": "By another key"}).status_code == 200


def test_rule_is_a_violation_of_content_policy(bobs: Client) -> None:
    PromptRule.objects.create(text="engines", action=PromptRule.Action.BLOCK)
    answer = submit(bobs, {"prompt": "Two engines revving"})
    (found,) = answer.json()["detail"]
    assert (answer.status_code, found["type"]) == (422, "content_policy_violation")
    assert found["loc"] == ["body", "prompt"]
    assert not Generation.objects.exists()


def test_banned_picture_is_one_too(bobs: Client, bob: User) -> None:
    made_ = submit(bobs, {"prompt": "A fox", "image_url": JPEG}, IMAGE).json()["request_id"]
    sha256 = Generation.objects.get(pk=made_).pictures.get().sha256
    BannedFile.objects.create(sha256=sha256, reason="x")
    answer = submit(bobs, {"prompt": "A fox", "image_url": JPEG}, IMAGE)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "content_policy_violation"


def test_too_many_is_429_and_commits_nothing(bobs: Client, settings: Settings) -> None:
    settings.SUBMITS_PER_MINUTE = 1
    made(bobs)
    answer = submit(bobs, {"prompt": "Another"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert Generation.objects.count() == 1


def test_held_and_paused_are_in_the_queue(bobs: Client, alice: User, film: Team) -> None:
    TeamPause.objects.create(team=film, began_by=alice)
    waits = made(bobs)
    PromptRule.objects.create(text="engines", action=PromptRule.Action.HOLD)
    held = made(bobs, prompt="Two engines")
    assert (waits.status, held.status) == (Status.QUEUED, Status.HELD)
    for row in (waits, held):
        answer = bobs.get(f"{APP}/{row.pk}/status")
        assert (answer.status_code, answer.json()["status"]) == (202, "IN_QUEUE")
        assert answer.json()["queue_position"] == 0


@pytest.mark.parametrize("path", [f"/fal/queue/{TEXT}", f"{APP}/{uuid.UUID(int=7)}/status", f"{APP}/x"])
def test_without_a_key(path: str) -> None:
    client = Client()
    answer = client.post(path) if path.endswith("video") else client.get(path)
    assert (answer.status_code, answer.json()) == (401, {"detail": "invalid key credentials"})
    assert answer.headers["x-fal-request-id"]


def test_session_opens_nothing(alice: User, film: Team) -> None:
    """What a browser brings by itself is not looked at: so nothing has to be guarded against other sites."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert submit(client, {"prompt": "A fox"}).status_code == 401


def test_viewers_key_makes_nothing(victor: User, film: Team) -> None:
    answer = submit(client_with(make_key(victor, film)[1]), {"prompt": "A fox"})
    assert answer.status_code == 403
    assert not Generation.objects.exists()


# --- Idempotency-Key


def test_same_key_and_body_make_one_video(bobs: Client) -> None:
    answers = [submit(bobs, {"prompt": "A fox"}, **{"Idempotency-Key": "order-17"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert Generation.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "endpoint", "query"),
    [
        ({"prompt": "A cat"}, TEXT, ""),
        ({"prompt": "A fox", "duration": "10"}, TEXT, ""),
        ({"prompt": "A fox", "image_url": JPEG}, IMAGE, ""),
        ({"prompt": "A fox"}, TEXT, "?fal_webhook=https://a.example/"),
    ],
)
def test_same_key_with_another_request_is_refused(values: Any, endpoint: str, query: str, bobs: Client) -> None:
    submit(bobs, {"prompt": "A fox"}, **{"Idempotency-Key": "order-17"})
    answer = submit(bobs, values, endpoint, query, **{"Idempotency-Key": "order-17"})
    assert answer.status_code == 422
    assert "another request" in answer.json()["detail"]
    assert Generation.objects.count() == 1


def test_order_of_keys_in_the_body_says_nothing(bobs: Client) -> None:
    for body in ('{"prompt": "A fox", "duration": "5"}', '{"duration":"5","prompt":"A fox"}'):
        assert submit(bobs, body, **{"Idempotency-Key": "order-17"}).status_code == 200
    assert Generation.objects.count() == 1


def test_key_of_another_and_of_yesterday_is_a_new_one(bobs: Client, bob: User, film: Team) -> None:
    headers = {"Idempotency-Key": "order-17"}
    submit(bobs, {"prompt": "A fox"}, **headers)
    submit(client_with(make_key(bob, film)[1]), {"prompt": "A fox"}, **headers)
    assert Generation.objects.count() == 2
    ApiRequest.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    submit(bobs, {"prompt": "A cat"}, **headers)
    assert Generation.objects.count() == 3


def test_without_one_equal_requests_are_two(bobs: Client) -> None:
    assert made(bobs).pk != made(bobs).pk


@pytest.mark.parametrize("value", ["x" * 256, "a\tb", "a\u0085b"])
def test_key_that_can_not_be_kept(value: str, bobs: Client) -> None:
    answer = submit(bobs, {"prompt": "A fox"}, **{"Idempotency-Key": value})
    assert answer.status_code == 422
    assert not Generation.objects.exists()


# --- status


@pytest.mark.parametrize(
    ("status", "columns", "code", "word"),
    [
        (Status.HELD, {}, 202, "IN_QUEUE"),
        (Status.QUEUED, {}, 202, "IN_QUEUE"),
        (Status.SUBMITTING, {}, 202, "IN_PROGRESS"),
        (Status.RENDERING, {"queue_position": 3}, 202, "IN_QUEUE"),
        (Status.RENDERING, {}, 202, "IN_PROGRESS"),
        (Status.CANCELLING, {}, 202, "IN_PROGRESS"),
        (Status.MIRRORING, {}, 202, "IN_PROGRESS"),
        (Status.DONE, {}, 200, "COMPLETED"),
        (Status.DONE, {"awaits_review": True}, 202, "IN_PROGRESS"),
        (Status.REJECTED, {"message": "No."}, 200, "COMPLETED"),
        (Status.CANCELED, {}, 200, "COMPLETED"),
        (Status.FAILED, {}, 200, "COMPLETED"),
    ],
)
@pytest.mark.parametrize("logs", ["", "?logs=true", "?logs=1", "?logs=yes", "?logs=false", "?logs=0"])
def test_status(
    status: Status, columns: Any, code: int, word: str, logs: str, bobs: Client, bobs_key: tuple[Key, str]
) -> None:
    row = of_key(bobs_key[0], status, **columns)
    answer = bobs.get(f"{APP}/{row.pk}/status{logs}")
    body = answer.json()
    assert (answer.status_code, body["status"], body["request_id"]) == (code, word, str(row.pk))
    assert body["response_url"].endswith(f"{APP}/{row.pk}")
    assert isinstance(body["logs"], list) if logs in {"?logs=true", "?logs=1", "?logs=yes"} else body["logs"] is None
    assert ("queue_position" in body) == (word == "IN_QUEUE")
    assert ("error" in body) == (status in {Status.REJECTED, Status.CANCELED, Status.FAILED})
    assert answer.headers["x-fal-request-id"] == str(row.pk)


def test_position_at_fal_and_log_lines(bobs: Client, bobs_key: tuple[Key, str]) -> None:
    line = {"timestamp": "2026-11-28T10:30:01.123Z", "message": "Loading"}
    row = of_key(bobs_key[0], Status.RENDERING, queue_position=3, logs=[line])
    body = bobs.get(f"{APP}/{row.pk}/status?logs=1").json()
    assert body["queue_position"] == 3
    assert body["logs"] == [{**line, "level": "INFO", "source": "USER"}]


@pytest.mark.parametrize("suffix", ["", "/", "/status", "/status/", "/response", "/response/"])
@pytest.mark.parametrize("app", ["fal-ai/kling-video", *Endpoint])
def test_long_and_short_addresses(app: str, suffix: str, bobs: Client, bobs_key: tuple[Key, str]) -> None:
    row = of_key(bobs_key[0], Status.RENDERING)
    answer = bobs.get(f"/fal/queue/{app}/requests/{row.pk}{suffix}")
    assert answer.status_code == (202 if "status" in suffix else 400)


@pytest.mark.parametrize("suffix", ["", "/status"])
def test_requests_that_the_caller_may_not_know_of(
    suffix: str, bobs: Client, bob: User, alice: User, mallory: User, film: Team
) -> None:
    """Of another team, also of one's own; of another's, where it is private; by no key; none at all."""
    own_team = of_key(make_key(bob, bob.personal_team)[0], Status.RENDERING)
    others = of_key(make_key(mallory, mallory.personal_team)[0], Status.RENDERING)
    private = of_key(make_key(alice, film)[0], Status.RENDERING, is_private=True)
    by_form = make_generation(bob, film, Status.RENDERING)
    for pk in (own_team.pk, others.pk, private.pk, by_form.pk, uuid.UUID(int=7), "x", "7"):
        answer = bobs.get(f"{APP}/{pk}{suffix}")
        assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"}), pk


def test_requests_of_the_team_are_seen(bobs: Client, alice: User, film: Team) -> None:
    row = of_key(make_key(alice, film)[0], Status.RENDERING)
    assert bobs.get(f"{APP}/{row.pk}/status").status_code == 202


def test_a_status_takes_two_queries(bobs: Client, bobs_key: tuple[Key, str], django_assert_num_queries: Any) -> None:
    row = of_key(bobs_key[0], Status.RENDERING)
    bobs.get(f"{APP}/{row.pk}/status")
    with django_assert_num_queries(2):
        bobs.get(f"{APP}/{row.pk}/status")


# --- result


def test_result_is_a_file_that_opens_without_a_key(bobs: Client, bobs_key: tuple[Key, str], s3: Any) -> None:
    row = of_key(bobs_key[0], Status.DONE)
    video = make_video(row)
    answer = bobs.get(f"{APP}/{row.pk}")
    file = answer.json()["video"]
    assert answer.status_code == 200
    assert file["content_type"] == "video/mp4"
    assert (file["file_name"], file["file_size"]) == ("output.mp4", video.size)
    assert answer.headers["x-fal-request-id"] == str(row.pk)
    assert answer.headers["x-fal-billable-units"] == "5"
    assert bobs.get(f"{APP}/{row.pk}").json()["video"]["url"] == file["url"]
    assert ShareLink.objects.count() == 1

    path, anyone = "/share" + file["url"].partition("/share")[2], Client()
    got = anyone.get(path)
    data = b"".join(got)
    assert (got.status_code, got.headers["Content-Type"], len(data)) == (200, "video/mp4", video.size)
    assert anyone.head(path).headers["Content-Length"] == str(video.size)
    part = anyone.get(path, headers={"Range": "bytes=2-5"})
    assert (part.status_code, b"".join(part)) == (206, data[2:6])
    assert got.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_bytes_come_also_where_people_are_redirected(
    bobs: Client, bobs_key: tuple[Key, str], s3: Any, settings: Settings
) -> None:
    settings.MEDIA_DELIVERY = "redirect"
    row = of_key(bobs_key[0], Status.DONE)
    make_video(row)
    url = bobs.get(f"{APP}/{row.pk}").json()["video"]["url"]
    assert Client().get("/share" + url.partition("/share")[2]).status_code == 200


def test_links_of_results_are_listed_apart(bobs: Client, bobs_key: tuple[Key, str], alice: User, s3: Any) -> None:
    """However many a script makes, the links that people made stay in sight."""
    row = of_key(bobs_key[0], Status.DONE)
    make_video(row)
    bobs.get(f"{APP}/{row.pk}")
    link = ShareLink.objects.get()
    for user, path in ((bobs_key[0].user, "/share-links/"), (alice, "/teams/film/sharing")):
        browser = signed_in(user)
        page = browser.get(path)
        assert list(page.context["links"]) == []
        assert 'href="?results=1"' in page.content.decode()
        assert list(browser.get(f"{path}?results=1").context["links"]) == [link]


def test_link_ends_as_the_key_says_and_can_be_revoked(bob: User, film: Team, s3: Any) -> None:
    key, token = make_key(bob, film, result_days=30)
    row = of_key(key, Status.DONE)
    make_video(row)
    url = client_with(token).get(f"{APP}/{row.pk}").json()["video"]["url"]
    link = ShareLink.objects.get()
    assert timedelta(days=29) < link.expires_at - timezone.now() <= timedelta(days=30)
    assert link.made_by == bob
    ShareLink.objects.all().revoke(bob)
    assert Client().get("/share" + url.partition("/share")[2]).status_code == 410
    answer = client_with(token).get(f"{APP}/{row.pk}")
    assert answer.status_code == 410
    assert "revoked" in answer.json()["detail"]


def test_address_stays_when_the_secret_key_changes(
    bobs: Client, bobs_key: tuple[Key, str], s3: Any, settings: Settings
) -> None:
    row = of_key(bobs_key[0], Status.DONE)
    make_video(row)
    url = bobs.get(f"{APP}/{row.pk}").json()["video"]["url"]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key"
    assert bobs.get(f"{APP}/{row.pk}").json()["video"]["url"] == url
    settings.SECRET_KEY_FALLBACKS = []
    fresh = bobs.get(f"{APP}/{row.pk}").json()["video"]["url"]
    assert fresh != url
    assert Client().head("/share" + fresh.partition("/share")[2]).status_code == 200


def forbid(film: Team, row: Generation) -> None:
    TeamSharing.objects.create(team=film, policy=SharingPolicy.FORBIDDEN)


def approve_each(film: Team, row: Generation) -> None:
    TeamSharing.objects.create(team=film, policy=SharingPolicy.APPROVAL)


def make_private(film: Team, row: Generation) -> None:
    Generation.objects.filter(pk=row.pk).update(is_private=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [(forbid, "does not allow share links"), (approve_each, "approves"), (make_private, "Private videos")],
)
def test_where_it_may_not_be_shared_the_result_says_so(
    change: Any, words: str, bobs: Client, bobs_key: tuple[Key, str], film: Team, s3: Any
) -> None:
    row = of_key(bobs_key[0], Status.DONE)
    make_video(row)
    change(film, row)
    answer = bobs.get(f"{APP}/{row.pk}")
    assert answer.status_code == 403
    assert words in answer.json()["detail"]
    assert row.get_absolute_url() in answer.json()["detail"]


def test_video_that_was_shared_and_is_no_more(bobs: Client, bobs_key: tuple[Key, str], film: Team, s3: Any) -> None:
    row = of_key(bobs_key[0], Status.DONE)
    make_video(row)
    assert bobs.get(f"{APP}/{row.pk}").status_code == 200
    forbid(film, row)
    assert bobs.get(f"{APP}/{row.pk}").status_code == 410


@pytest.mark.parametrize(
    ("status", "columns", "code", "type_"),
    [
        (Status.CANCELED, {}, 499, "client_cancelled"),
        (Status.FAILED, {"reason": "content_policy_violation"}, 422, "content_policy_violation"),
        (Status.FAILED, {"reason": "image_too_small"}, 422, "image_too_small"),
        (Status.FAILED, {"reason": "no_media_generated"}, 422, "no_media_generated"),
        (Status.FAILED, {"reason": "internal_server_error"}, 500, "internal_server_error"),
        (Status.FAILED, {"reason": "generation_timeout"}, 504, "generation_timeout"),
        (Status.FAILED, {"reason": "downstream_service_error"}, 400, "downstream_service_error"),
        (Status.FAILED, {"reason": "runner_disconnected"}, 503, "runner_disconnected"),
        (Status.FAILED, {"reason": "request_timeout"}, 504, "request_timeout"),
        (Status.FAILED, {"reason": "new_word", "responsible_party": "provider"}, 400, "downstream_service_error"),
        (Status.FAILED, {"reason": "new_word", "responsible_party": "user"}, 422, "feature_not_supported"),
        (Status.REJECTED, {"reason": "rejected", "message": "Not here."}, 422, "content_policy_violation"),
    ],
)
def test_result_of_what_failed(
    status: Status, columns: Any, code: int, type_: str, bobs: Client, bobs_key: tuple[Key, str]
) -> None:
    row = of_key(bobs_key[0], status, **columns)
    answer = bobs.get(f"{APP}/{row.pk}")
    body = answer.json()
    assert answer.status_code == code
    if isinstance(body["detail"], list):
        assert body["detail"][0]["type"] == type_
        assert answer.headers["X-Fal-Retryable"] in {"true", "false"}
    else:
        assert body["error_type"] == answer.headers["X-Fal-Error-Type"] == type_
    assert bobs.get(f"{APP}/{row.pk}/status").json()["error_type"] == type_


def test_refused_approval_says_who_said_no(bobs: Client, bobs_key: tuple[Key, str]) -> None:
    row = of_key(bobs_key[0], Status.REJECTED, reason="declined", message="Too dear.")
    answer = bobs.get(f"{APP}/{row.pk}")
    assert answer.status_code == 403
    assert "Too dear." in answer.json()["detail"]


def test_result_before_the_end(bobs: Client) -> None:
    answer = bobs.get(f"{APP}/{made(bobs).pk}")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})


# --- cancel


@pytest.mark.parametrize(
    ("status", "code", "word", "after"),
    [
        (Status.HELD, 202, "CANCELLATION_REQUESTED", Status.CANCELED),
        (Status.QUEUED, 202, "CANCELLATION_REQUESTED", Status.CANCELED),
        (Status.SUBMITTING, 202, "CANCELLATION_REQUESTED", Status.SUBMITTING),
        (Status.RENDERING, 202, "CANCELLATION_REQUESTED", Status.CANCELLING),
        (Status.CANCELLING, 202, "CANCELLATION_REQUESTED", Status.CANCELLING),
        (Status.MIRRORING, 202, "CANCELLATION_REQUESTED", Status.MIRRORING),
        (Status.DONE, 400, "ALREADY_COMPLETED", Status.DONE),
        (Status.FAILED, 400, "ALREADY_COMPLETED", Status.FAILED),
        (Status.CANCELED, 400, "ALREADY_COMPLETED", Status.CANCELED),
    ],
)
def test_cancel(status: Status, code: int, word: str, after: Status, bobs: Client, bobs_key: tuple[Key, str]) -> None:
    row = of_key(bobs_key[0], status)
    answer = bobs.put(f"{APP}/{row.pk}/cancel")
    row.refresh_from_db()
    assert (answer.status_code, answer.json(), row.status) == (code, {"status": word}, after)


def test_cancel_of_nothing_and_by_a_key_that_only_reads(bobs: Client, bob: User, film: Team) -> None:
    assert bobs.put(f"{APP}/{uuid.UUID(int=7)}/cancel").json() == {"status": "NOT_FOUND"}
    row = made(bobs)
    reads = client_with(make_key(bob, film, scopes=["read"])[1])
    assert reads.put(f"{APP}/{row.pk}/cancel").status_code == 403
    assert reads.get(f"{APP}/{row.pk}/status").status_code == 202


# --- every answer


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fal/nowhere", 404),
        ("POST", "/fal/queue/fal-ai/flux/dev", 404),
        ("GET", f"/fal/queue/{TEXT}", 405),
        ("POST", f"{APP}/{uuid.UUID(int=7)}/status", 405),
        ("GET", f"{APP}/{uuid.UUID(int=7)}/cancel", 405),
        ("DELETE", f"{APP}/{uuid.UUID(int=7)}", 405),
        ("PATCH", f"/fal/queue/{TEXT}", 405),
    ],
)
def test_errors_of_the_server_are_fals_too(method: str, path: str, status: int, bobs: Client) -> None:
    answer = bobs.generic(method, path, "{}", headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)
    assert answer.headers["x-fal-request-id"]
    assert status != 405 or answer.headers["Allow"]


def test_fault_of_ours_has_an_id_and_no_page(bobs: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("api.views.fal.status_of", fail)
    bobs.raise_request_exception = False
    answer = bobs.get(f"{APP}/{uuid.UUID(int=7)}/status")
    assert (answer.status_code, answer.json()["error_type"]) == (500, "internal_error")
    assert "secret" not in answer.content.decode()
    assert answer.headers["x-fal-request-id"]


def test_browsers_may_ask_from_other_sites(bobs: Client) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,x-fal-target-url"
    preflight = Client().options(f"/fal/queue/{TEXT}", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization,x-fal-target-url"
    answer = bobs.get(f"{APP}/x", headers={"Origin": "https://app.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "x-fal-request-id" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_role_that_is_lowered_ends_what_a_running_script_may(bobs: Client, bob: User, film: Team) -> None:
    row = made(bobs)
    Membership.objects.filter(user=bob, team=film).update(role=Role.VIEWER)
    assert submit(bobs, {"prompt": "A fox"}).status_code == 403
    assert bobs.get(f"{APP}/{row.pk}/status").status_code == 202
    Membership.objects.filter(user=bob, team=film).delete()
    assert bobs.get(f"{APP}/{row.pk}/status").status_code == 403


@pytest.mark.parametrize("end", ["revoked", "expired", "viewer", "removed", "suspended"])
def test_rights_that_end_while_a_picture_is_fetched(
    end: str, bobs: Client, bob: User, film: Team, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow host must not carry an order past the end of its key: nothing is made, and nothing charged."""
    own, now = Membership.objects.filter(user=bob, team=film), timezone.now()
    ends: dict[str, Callable[[], object]] = {
        "revoked": lambda: Key.objects.update(revoked_at=now),
        "expired": lambda: Key.objects.update(expires_at=now),
        "viewer": lambda: own.update(role=Role.VIEWER),
        "removed": own.delete,
        "suspended": lambda: User.objects.filter(pk=bob.pk).update(suspended_until=now + timedelta(days=1)),
    }

    def fetch(name: str, address: str) -> Picture:
        ends[end]()
        return read(name, picture())

    monkeypatch.setattr("api.fal.pictures.fetch_picture", fetch)
    answer = submit(bobs, {"prompt": "A fox", "image_url": "https://a.example/fox.jpg"}, IMAGE)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "invalid key credentials"
    assert not Generation.objects.exists()


def test_approval_is_asked_for_as_for_anybody(bobs: Client, film: Team) -> None:
    Team.objects.get_queryset().filter(pk=film.pk).update(approval_above_cents=10)
    assert Hold.objects.get(generation=made(bobs)).kind == Hold.Kind.APPROVAL
