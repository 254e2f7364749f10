"""MCP: messages of both kinds of clients, and what each tool does for whose key. By its own client: test_mcp_client."""

import uuid
from base64 import b64encode
from typing import Any, Final

import pytest
from django.test import Client
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from api.fal.pictures import save_pictures
from api.models import ApiRequest, Key
from generations.models import Collection, Generation, Price, PromptRule, Status, Tag, TeamPause
from sharing.models import ShareLink, SharingPolicy, TeamSharing
from tests.api.conftest import client_with, make_key
from tests.api.mcp_calls import ASKS, HANDSHAKE, MODERN, call, error_of, post, words
from tests.cast import make_generation, make_video, picture

pytestmark = pytest.mark.django_db

FOX: Final = {"prompt": "A fox in the snow"}
PIXEL: Final = "data:image/png;base64,eA=="
PAID: Final = {**FOX, "confirm_cost_cents": 35}
VERSIONS: Final = [HANDSHAKE, MODERN]


# --- messages


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
def test_handshake_gives_the_version_that_is_asked_for(bobs: Client, version: str) -> None:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    result = post(bobs, "initialize", params, version="").json()["result"]
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] == "kling-studio"
    assert result["capabilities"] == {"tools": {"listChanged": False}}


def test_handshake_of_an_unknown_version_gets_the_newest(bobs: Client) -> None:
    params = {"protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    assert post(bobs, "initialize", params, version="").json()["result"]["protocolVersion"] == "2025-11-25"


def test_without_a_handshake_the_server_says_what_it_speaks(bobs: Client) -> None:
    result = post(bobs, "server/discover", version=MODERN).json()["result"]
    assert result["supportedVersions"] == [MODERN]
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "kling-studio"


@pytest.mark.parametrize("version", VERSIONS)
def test_each_tool_says_what_it_takes_gives_and_does(bobs: Client, version: str) -> None:
    tools = {tool["name"]: tool for tool in post(bobs, "tools/list", version=version).json()["result"]["tools"]}
    assert set(tools) == {
        *("generate_video", "wait_for_video", "get_video", "list_videos"),
        *("cost_and_budget", "share_videos", "cancel_video"),
    }
    assert all(tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object" for tool in tools.values())
    reads = {name for name, tool in tools.items() if tool["annotations"]["readOnlyHint"]}
    assert reads == {"wait_for_video", "get_video", "list_videos", "cost_and_budget"}


def test_notification_is_accepted_and_changes_nothing(bobs: Client) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = bobs.post("/mcp", body, content_type="application/json")
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", -32700),
        (" ", -32700),
        ("[" * 50_000, -32700),
        ("[]", -32600),
        ("1", -32600),
        ('{"id": 1}', -32600),
        ('{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32600),
    ],
)
def test_what_is_no_message_is_an_error_of_the_protocol(bobs: Client, body: str, code: int) -> None:
    answer = bobs.post("/mcp", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("version", "method", "status", "code"),
    [
        (HANDSHAKE, "resources/list", 200, -32601),
        (HANDSHAKE, "server/discover", 200, -32601),
        (HANDSHAKE, "no/such", 200, -32601),
        (MODERN, "initialize", 404, -32601),
        (MODERN, "ping", 404, -32601),
        (MODERN, "subscriptions/listen", 400, -32602),
        (MODERN, "prompts/list", 404, -32601),
        ("2031-01-01", "tools/list", 400, -32602),
    ],
)
def test_method_that_the_version_lacks(bobs: Client, version: str, method: str, status: int, code: int) -> None:
    answer = post(bobs, method, version=version)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("MCP-Protocol-Version", "", -32020),
        ("MCP-Protocol-Version", "2031-01-01", -32020),
        ("Mcp-Method", "tools/list", -32020),
        ("Mcp-Name", "get_video", -32020),
    ],
)
def test_headers_have_to_say_what_the_body_says(bobs: Client, name: str, value: str, code: int) -> None:
    params = {"name": "cost_and_budget", "arguments": {}}
    headers: Any = {name: value}
    answer = post(bobs, "tools/call", params, version=MODERN, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_version_that_is_not_spoken_is_told_which_are(bobs: Client) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2031-01-01",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = {"MCP-Protocol-Version": "2031-01-01", "Mcp-Method": "tools/list"}
    answer = bobs.post("/mcp", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": -32022,
        "message": "This version is not spoken here.",
        "data": {"supported": [MODERN], "requested": "2031-01-01"},
    }


def test_unknown_tool_is_an_error_of_the_protocol(bobs: Client) -> None:
    answer = post(bobs, "tools/call", {"name": "delete_everything", "arguments": {}})
    assert answer.json()["error"]["code"] == -32602
    assert "generate_video" in answer.json()["error"]["message"]


# --- who may ask


@pytest.mark.parametrize("token", ["", "nonsense", "ks_ab12cd34_x"])
def test_without_a_key_the_answer_says_how_to_bring_one(db: None, token: str) -> None:
    answer = post(client_with(token), "tools/list")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_bearer_is_taken(bobs_key: tuple[Key, str]) -> None:
    client = Client(headers={"Authorization": f"Bearer {bobs_key[1]}"})
    assert post(client, "tools/list").status_code == 200


def test_revoked_key_ends_at_once(bobs_key: tuple[Key, str], bob: User) -> None:
    client = client_with(bobs_key[1])
    assert post(client, "ping").status_code == 200
    Key.objects.all().revoke(bob)
    assert post(client, "ping").status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("null", 403), ("http://localhost:1", 403), (None, 200)],
)
def test_pages_of_other_sites_are_refused(bobs: Client, settings: Settings, origin: str | None, status: int) -> None:
    assert post(bobs, "ping", Origin=origin or settings.SITE_URL).status_code == status


@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
def test_only_post_is_there(bobs: Client, method: str) -> None:
    answer = getattr(bobs, method)("/mcp")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("scopes", "tool", "arguments"),
    [
        (["read", "manage"], "generate_video", PAID),
        (["read", "manage"], "cancel_video", {"id": str(uuid.UUID(int=1))}),
        (["manage"], "list_videos", {}),
        (["read", "generate"], "share_videos", {"ids": [str(uuid.UUID(int=1))]}),
    ],
)
def test_key_lacks_a_scope(film: Team, bob: User, scopes: list[str], tool: str, arguments: dict[str, Any]) -> None:
    client = client_with(make_key(bob, film, scopes=scopes)[1])
    assert "lacks the scope" in error_of(call(client, tool, arguments))
    assert not Generation.objects.exists()


def test_viewer_sees_and_makes_nothing(film: Team, bob: User, victor: User) -> None:
    row = make_generation(bob, film)
    client = client_with(make_key(victor, film)[1])
    assert call(client, "get_video", {"id": str(row.pk)})["structuredContent"]["prompt"] == row.prompt
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_video", PAID),
        ("share_videos", {"ids": [str(row.pk)]}),
        ("cancel_video", {"id": str(row.pk)}),
    ]
    for tool, arguments in calls:
        assert "role" in error_of(call(client, tool, arguments))
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("tool", ["get_video", "cancel_video", "share_videos", "list_videos"])
def test_videos_of_another_team_are_not_there(film: Team, bob: User, mallory: User, tool: str) -> None:
    """Not even for a person who is in both: the key is of one team."""
    other = Team.objects.create(name="Other", slug="other")
    Membership.objects.create(team=other, user=bob, role=Role.OWNER)
    row = make_generation(bob, film)
    client = client_with(make_key(bob, other)[1])
    pk = str(row.pk)
    others: dict[str, dict[str, Any]] = {"share_videos": {"ids": [pk]}, "list_videos": {"after": pk}}
    assert "no such video" in error_of(call(client, tool, others.get(tool, {"id": pk})))
    assert call(client, "list_videos")["structuredContent"] == {"videos": []}


# --- generate


def test_first_call_tells_the_price_and_the_second_orders(bobs: Client, film: Team, bob: User) -> None:
    film.monthly_limit_cents = 1000
    film.save()
    price = call(bobs, "generate_video", FOX)
    assert price["structuredContent"] | {"idempotency_key": ""} == {
        "is_ordered": False,
        "cost_cents": 35,
        "confirm_cost_cents": 35,
        "idempotency_key": "",
    }
    assert "$0.35" in words(price)
    assert "$10.00 is left" in words(price)
    assert not Generation.objects.exists()

    agreed = {name: price["structuredContent"][name] for name in ("confirm_cost_cents", "idempotency_key")}
    first, again = (call(bobs, "generate_video", {**FOX, **agreed}) for _ in range(2))
    row = Generation.objects.get()
    assert first["structuredContent"]["video"]["id"] == again["structuredContent"]["video"]["id"] == str(row.pk)
    assert (row.user, row.team, row.cost_cents, row.api_request.key.user) == (bob, film, 35, bob)


@pytest.mark.parametrize("cents", [0, 34, 70, -35])
def test_another_price_orders_nothing(bobs: Client, cents: int) -> None:
    found = call(bobs, "generate_video", {**FOX, "confirm_cost_cents": cents})
    assert found["structuredContent"]["confirm_cost_cents"] == 35
    assert "The price is not" in words(found)
    assert not Generation.objects.exists()


def ask(client: Client, arguments: dict[str, Any], **params: Any) -> dict[str, Any]:
    return call(client, "generate_video", arguments, version=MODERN, capabilities=ASKS, params=params)


def reply(question: dict[str, Any], action: str) -> dict[str, Any]:
    return {"inputResponses": {"cost": {"action": action}}, "requestState": question["requestState"]}


def test_client_that_can_ask_asks_its_person(bobs: Client) -> None:
    question = ask(bobs, PAID)  # whatever the model says that was agreed
    asked = question["inputRequests"]["cost"]
    assert (question["resultType"], asked["method"]) == ("input_required", "elicitation/create")
    assert "$0.35" in asked["params"]["message"]
    assert not Generation.objects.exists()

    found = [ask(bobs, PAID, **reply(question, "accept")) for _ in range(2)]
    ids = {one["structuredContent"]["video"]["id"] for one in found}
    assert ids == {str(Generation.objects.get().pk)}


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_person_says_no(bobs: Client, action: str) -> None:
    question = ask(bobs, FOX)
    assert "did not agree" in error_of(ask(bobs, FOX, **reply(question, action)))
    assert not Generation.objects.exists()


def test_yes_counts_for_what_was_asked_alone(bobs: Client, bob: User, film: Team) -> None:
    question = ask(bobs, FOX)
    yes = reply(question, "accept")
    other = client_with(make_key(bob, film)[1])
    attempts: list[tuple[Client, dict[str, Any], dict[str, Any]]] = [
        (bobs, {**FOX, "duration": 10}, yes),
        (bobs, {"prompt": "A cat"}, yes),
        (other, FOX, yes),
        (bobs, FOX, {**yes, "requestState": yes["requestState"][:-2]}),
        (bobs, FOX, {**yes, "requestState": "x"}),
        (bobs, FOX, {"inputResponses": yes["inputResponses"]}),
    ]
    for client, arguments, params in attempts:
        assert ask(client, arguments, **params)["resultType"] == "input_required"
    assert not Generation.objects.exists()


def test_one_yes_makes_one_video_whatever_keys_come_with_it(bobs: Client) -> None:
    question = ask(bobs, FOX)
    yes = reply(question, "accept")
    for key in ("a", "b"):
        options: dict[str, Any] = {"version": MODERN, "capabilities": ASKS, "params": yes, "Idempotency-Key": key}
        assert call(bobs, "generate_video", FOX, **options)["structuredContent"]["is_ordered"]
    assert ask(bobs, {**FOX, "idempotency_key": "c"}, **yes)["resultType"] == "input_required"
    assert Generation.objects.count() == 1


def test_a_price_that_changes_while_a_picture_is_fetched_orders_nothing(
    bobs: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*args: Any) -> Any:
        Price.objects.update(cents=99)
        return save_pictures(*args)

    monkeypatch.setattr("api.mcp.generate.save_pictures", slowly)
    address = f"data:image/jpeg;base64,{b64encode(picture()).decode()}"
    agreed = {**FOX, "image_url": address, "confirm_cost_cents": 35}
    assert "The price is $0.99 now." in error_of(call(bobs, "generate_video", agreed))
    assert not Generation.objects.exists()


@pytest.mark.parametrize("place", ["argument", "header"])
def test_same_idempotency_key_makes_one_video(bobs: Client, place: str) -> None:
    own = {"idempotency_key": "fox-1"} if place == "argument" else {}
    headers = {"Idempotency-Key": "fox-1"} if place == "header" else {}
    ids = {call(bobs, "generate_video", {**PAID, **own}, **headers)["structuredContent"]["video"]["id"] for _ in "ab"}
    assert len(ids) == Generation.objects.count() == 1
    other = call(bobs, "generate_video", {**PAID, **own, "prompt": "A cat"}, **headers)
    assert "used for another request" in error_of(other)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "A\0fox"}, "prompt"),
        ({"prompt": "A\ud800fox"}, "prompt"),
        ({**FOX, "cfg_scale": float("nan")}, "cfg_scale"),
        ({**FOX, "idempotency_key": "\n"}, "Idempotency-Key"),
        ({**FOX, "idempotency_key": "\ud800"}, "idempotency_key"),
        ({"prompt": "x" * 2501}, "prompt"),
        ({**FOX, "duration": 7}, "duration"),
        ({**FOX, "seed": 1}, "seed"),
        ({**FOX, "cfg_scale": 2}, "cfg_scale"),
        ({**FOX, "aspect_ratio": "4:3"}, "aspect_ratio"),
        ({**FOX, "image_url": "fox.jpg"}, "image_url"),
        ({**FOX, "quality": "best"}, "quality"),
        ({**FOX, "quality": "draft"}, "quality"),
        ({**FOX, "quality": "draft", "image_url": PIXEL, "tail_image_url": PIXEL}, "tail_image_url"),
        ({**FOX, "image_url": "data:image/png;base64,x", "aspect_ratio": "1:1"}, "aspect_ratio"),
        ({**FOX, "tail_image_url": "https://example.com/a.jpg"}, "image_url"),
        ({**FOX, "idempotency_key": "x" * 256}, "idempotency_key"),
    ],
)
def test_arguments_that_are_no_good_are_named(bobs: Client, arguments: dict[str, Any], told: str) -> None:
    assert told in error_of(call(bobs, "generate_video", arguments))


def test_picture_that_is_none_is_told(bobs: Client) -> None:
    found = call(bobs, "generate_video", {**PAID, "image_url": "data:image/png;base64,aGVsbG8="})
    assert "image_url" in error_of(found)
    assert not Generation.objects.exists()


@pytest.mark.parametrize("limit", ["team", "key"])
def test_over_budget_is_told_before_anybody_is_asked(bob: User, film: Team, limit: str) -> None:
    film.monthly_limit_cents = 10 if limit == "team" else None
    film.save()
    client = client_with(make_key(bob, film, monthly_limit_cents=10 if limit == "key" else None)[1])
    for found in (call(client, "generate_video", FOX), call(client, "generate_video", PAID), ask(client, FOX)):
        assert "$0.10" in error_of(found)
    assert not Generation.objects.exists()


def test_rule_refuses_a_prompt(bobs: Client) -> None:
    PromptRule.objects.create(text="fox", action=PromptRule.Action.BLOCK)
    assert "Nothing was made or spent" in error_of(call(bobs, "generate_video", PAID))


# --- get, list, budget, share, cancel


@pytest.mark.parametrize("version", VERSIONS)
def test_finished_video_has_an_address_that_opens(bobs: Client, bobs_key: tuple[Key, str], version: str) -> None:
    key, _ = bobs_key
    row = make_generation(key.user, key.team, Status.DONE)
    make_video(row)
    ApiRequest.objects.create(generation=row, key=key)
    video = call(bobs, "get_video", {"id": str(row.pk)}, version=version)["structuredContent"]
    assert (video["status"], video["is_final"], video["cost_cents"]) == ("done", True, 35)
    assert Client().get(video["video_url"].removeprefix("http://localhost:8000")).status_code in {200, 302}
    assert str(row.pk) in video["page_url"]


def test_failed_video_says_why(bobs: Client, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.FAILED)
    found = call(bobs, "get_video", {"id": str(row.pk)})
    assert found["structuredContent"]["is_final"]
    assert "fal refused the prompt. Change it." in words(found)


def test_list_has_the_gallery_s_filters_and_pages(bobs: Client, alice: User, bob: User, film: Team) -> None:
    foxes = [make_generation(bob, film, prompt=f"Fox {number}") for number in range(3)]
    cat = make_generation(alice, film, Status.DONE, prompt="A cat", duration=10)
    make_generation(alice, film, is_private=True)
    cat.tags.add(Tag.objects.create(team=film, name="Hero"))
    cat.collection = Collection.objects.create(team=film, name="Pets")
    cat.save()

    def listed(**arguments: Any) -> list[str]:
        found = call(bobs, "list_videos", arguments)["structuredContent"]["videos"]
        return [video["id"] for video in found]

    assert listed() == [str(row.pk) for row in (cat, *reversed(foxes))]
    assert listed(order="oldest") == [str(row.pk) for row in (*foxes, cat)]
    for narrowed in (
        {"query": "cat"},
        {"member": "alice"},
        {"status": "done"},
        {"duration": 10},
        {"tag": "hero"},
        {"collection": "pets"},
    ):
        assert listed(**narrowed) == [str(cat.pk)]
    assert listed(favourites_only=True) == []

    first = call(bobs, "list_videos", {"limit": 2})["structuredContent"]
    second = call(bobs, "list_videos", {"limit": 2, "after": first["after"]})["structuredContent"]
    assert [video["id"] for video in first["videos"] + second["videos"]] == listed()
    assert "after" not in second
    oldest = call(bobs, "list_videos", {"limit": 3, "order": "oldest"})["structuredContent"]
    assert listed(order="oldest", after=oldest["after"]) == [str(cat.pk)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"tag": "no such"}, "There are: Hero"),
        ({"collection": "no such"}, "no collection"),
        ({"member": "zelda"}, "Nobody"),
        ({"member": "example.com"}, "Several"),
        ({"since": "yesterday"}, "since"),
        ({"limit": 1000}, "limit"),
        ({"after": str(uuid.UUID(int=1))}, "no such video"),
        ({"querry": "fox"}, "querry"),
        ({"query": "\0"}, "query"),
        ({"query": "\ud800"}, "query"),
        ({"member": "\ud800"}, "member"),
        ({"limit": 10**30}, "limit"),
    ],
)
def test_filter_that_is_no_good_is_named(
    bobs: Client, alice: User, film: Team, arguments: dict[str, Any], told: str
) -> None:
    Tag.objects.create(team=film, name="Hero")
    assert told in error_of(call(bobs, "list_videos", arguments))


def test_list_asks_the_database_as_often_for_many(
    bobs: Client, bob: User, film: Team, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make_generation(bob, film, Status.QUEUED if number % 2 else Status.DONE)
    with django_assert_max_num_queries(10):
        assert len(call(bobs, "list_videos")["structuredContent"]["videos"]) == 12


def test_cost_and_budget(bob: User, film: Team) -> None:
    film.monthly_limit_cents = 1000
    film.save()
    make_generation(bob, film)
    client = client_with(make_key(bob, film, monthly_limit_cents=500, scopes=["read"])[1])
    TeamPause.objects.create(team=film, began_by=bob, note="Lunch")
    found = call(client, "cost_and_budget")
    told = found["structuredContent"]
    assert {(one["made_from"], one["quality"], one["duration"]): one["cents"] for one in told["prices"]} == {
        ("text", "pro", 5): 35,
        ("text", "pro", 10): 70,
        ("image", "pro", 5): 35,
        ("image", "pro", 10): 70,
        ("image", "draft", 5): 21,
        ("image", "draft", 10): 42,
    }
    limits = {one["owner"]: (one["limit_cents"], one["left_cents"]) for one in told["limits"]}
    assert limits == {"team": (1000, 965), "key": (500, 500)}
    assert told["left_cents"] == 500
    assert "Lunch" in told["paused"]
    assert "$5.00 is left" in words(found)


@pytest.mark.parametrize(
    "arguments", [{"since": "0001-01-01"}, {"until": "9999-12-31"}, {"query": '"'}, {"query": "-"}]
)
def test_filter_at_the_edge_is_no_error(bobs: Client, arguments: dict[str, Any]) -> None:
    assert call(bobs, "list_videos", arguments)["structuredContent"] == {"videos": []}


def test_share_makes_a_link(bobs: Client, bob: User, film: Team) -> None:
    rows = [make_generation(bob, film, Status.DONE) for _ in range(2)]
    for row in rows:
        make_video(row)
    found = call(bobs, "share_videos", {"ids": [str(row.pk) for row in rows], "name": "Foxes", "days": 3})
    link = ShareLink.objects.get()
    assert (link.name, link.made_by, link.generations().count()) == ("Foxes", bob, 2)
    assert found["structuredContent"]["works_now"]
    assert Client().get(found["structuredContent"]["url"].removeprefix("http://localhost:8000")).status_code == 200


def test_share_that_needs_an_approval_or_can_not_be(bobs: Client, bob: User, film: Team) -> None:
    row, running = make_generation(bob, film, Status.DONE), make_generation(bob, film)
    make_video(row)
    assert "not finished" in error_of(call(bobs, "share_videos", {"ids": [str(running.pk)]}))
    TeamSharing.objects.update_or_create(team=film, defaults={"policy": SharingPolicy.APPROVAL})
    found = call(bobs, "share_videos", {"ids": [str(row.pk)]})
    assert not found["structuredContent"]["works_now"]
    assert "approve" in words(found)
    TeamSharing.objects.update(policy=SharingPolicy.FORBIDDEN)
    assert "does not allow" in error_of(call(bobs, "share_videos", {"ids": [str(row.pk)]}))


def test_cancel_ends_what_has_not_ended(bobs: Client, bob: User, film: Team) -> None:
    row, done = make_generation(bob, film), make_generation(bob, film, Status.DONE)
    for _ in range(2):
        assert call(bobs, "cancel_video", {"id": str(row.pk)})["structuredContent"]["status"] == "canceled"
    assert "too late" in error_of(call(bobs, "cancel_video", {"id": str(done.pk)}))
