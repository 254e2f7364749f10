"""What all addresses under /api/v1/ have in common: problems, limits, ETags, queries, and their document."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openapi_spec_validator import validate
from pytest_django import Settings

from accounts.models import Team, User
from accounts.roles import Role
from api.models import Key, KeyMinute
from api.v1 import generations, limits
from api.v1.openapi import document
from config.server import exceptions
from generations.models import Collection, Event, Film, Generation, LibraryPicture, Preset, Shot, Status, Tag
from sharing.links import LinkOptions, share_videos
from sharing.review import Reviewer, add_comment, give_verdict
from tests.api.conftest import client_with, make_key
from tests.api.v1.client import ROOT, Program
from tests.api.v1.test_generations import FOX, problem
from tests.cast import make_generation, make_library_picture, make_upload, make_video, picture
from tests.generations.films.cast import film_of
from tests.security.access_cast import person

KEPT: Final = Path(__file__).parents[3] / "docs" / "openapi.json"
LISTS: Final = (
    *("/generations", "/generations?q=fox&order=oldest&tag={tag}&member={bob}", "/teams", "/teams/film/members"),
    *("/budget", "/prices", "/usage", "/tags", "/collections", "/shares", "/presets", "/events", "/films"),
    *("/generations/{row}", "/generations/{row}/comments", "/generations/{row}/verdicts", "/batches/{batch}"),
    *("/collections/{collection}/shots", "/shots/{shot}", "/library", "/library?q=fox", "/library/{picture}"),
)


# --- problems


def test_every_error_is_a_problem(program: Program, bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Client()
    answers = {
        401: nobody.get(f"{ROOT}/generations"),
        403: Program(make_key(bob, film, scopes=["read"])[1]).post("/generations", FOX),
        404: program.get(f"/generations/{uuid.uuid4()}"),
        405: program.delete("/generations"),
        400: program.client.post(f"{ROOT}/generations", b"{", content_type="application/json"),
        415: program.client.post(f"{ROOT}/generations", FOX),
        422: program.post("/generations", {}),
    }
    for status, answer in answers.items():
        assert problem(answer)["status"] == answer.status_code == status
    assert answers[401].headers["WWW-Authenticate"].startswith("Key ")
    assert answers[405].headers["Allow"]
    assert problem(program.get("/nowhere"))["status"] == 404
    program.client.raise_request_exception = False
    monkeypatch.setattr(generations, "refuse_unknown", lambda *_: 1 / 0)
    assert problem(program.get("/generations"))["status"] == 500


def test_gateway_speaks_problems_too() -> None:
    headers, body = exceptions.too_large(1024**2).render("*/*", f"{ROOT}/generations")
    assert (b"content-type", b"application/problem+json") in headers
    assert json.loads(body)["title"] == "Request Entity Too Large"


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"prompt": NaN}', b"\xff", b'{"cfg_scale": 1e999, "prompt": "x"}', b"null", b'"x"', b""]
)
def test_body_that_is_no_json_is_the_clients_fault(program: Program, body: bytes) -> None:
    for path in ("/generations", "/batches", "/shares", "/tags", "/presets"):
        answer = program.client.post(f"{ROOT}{path}", body, content_type="application/json")
        assert problem(answer)["status"] in {400, 422}


# --- limits


def test_key_is_told_how_often_it_may_ask(program: Program, bob: User, film: Team, settings: Settings) -> None:
    assert "RateLimit" not in program.get("/tags").headers
    settings.API_REQUESTS_PER_MINUTE = 2
    first, second, third = (program.get("/tags") for _ in range(3))
    assert first.headers["RateLimit-Policy"] == '"key";q=2;w=60'
    assert first.headers["RateLimit"].startswith('"key";r=1;t=')
    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 429)
    assert third.headers["RateLimit"].startswith('"key";r=0;t=')
    assert 0 < int(third.headers["Retry-After"]) <= limits.WINDOW
    assert problem(third)["type"].endswith("too-many-requests")
    assert Program(make_key(bob, film)[1]).get("/tags").status_code == 200
    KeyMinute.objects.filter(count__gt=1).update(began_at="2026-01-01T00:00Z")
    assert program.get("/tags").headers["RateLimit"].startswith('"key";r=1;')


def test_refused_request_tells_the_limit_too(program: Program, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 9
    assert "RateLimit" in program.post("/generations", {}).headers


# --- conditions


def test_head_and_etag_are_those_of_get(program: Program, bob: User, film: Team) -> None:
    make_generation(bob, film)
    got, head = program.get("/generations"), program.ask("HEAD", "/generations")
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", got.headers["ETag"])
    assert program.get("/generations", **{"If-None-Match": got.headers["ETag"]}).status_code == 304
    make_generation(bob, film)
    assert program.get("/generations", **{"If-None-Match": got.headers["ETag"]}).status_code == 200
    assert "no-cache" in got.headers["Cache-Control"]


# --- queries


def _add_rows(film: Team, bob: User, name: str) -> Generation:
    person(name, film, Role.MEMBER)
    rows = [make_generation(bob, film, status, batch=uuid.UUID(int=7)) for status in Status]
    done = next(row for row in rows if row.status == Status.DONE)
    make_video(done)
    for row in rows:
        Tag.objects.add_to([row], f"{name} {row.status}")
        Collection.objects.assign([row], f"{name} {row.status}")
    add_comment(done, Reviewer(bob), {"text": name}, None)
    give_verdict(done, Reviewer(bob), "approved", name)
    share_videos(bob, [done], LinkOptions(name, days=7))
    film_of(bob, [done])
    board = Collection.objects.filter(team=film).earliest("pk")
    [shot] = Shot.objects.append(board, [Shot(prompt=name, start=make_upload(bob), changed_by=bob)])
    Generation.objects.filter(pk=done.pk).update(shot=shot)
    Preset.objects.create(user=bob, name=name)
    make_library_picture(bob, film, picture(size=(400 + Preset.objects.count(), 300)), name).set_tags([name])
    Event.objects.create(generation=done, status=Status.DONE)
    return done


def _count(program: Program, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert program.get(path).status_code == 200, path
    return len(queries)


def test_lists_ask_eight_times_at_most_however_many_rows_there_are(
    program: Program, bob: User, film: Team, settings: Settings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10_000
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=100_000)
    Key.objects.update(monthly_limit_cents=100_000)
    row = _add_rows(film, bob, "first")
    values = {"row": row.pk, "batch": row.batch, "tag": row.tags.get().pk, "bob": bob.pk}
    values |= {"collection": Shot.objects.get().project_id, "shot": Shot.objects.get().pk}
    values |= {"picture": LibraryPicture.objects.get().pk}
    paths = [path.format(**values) for path in LISTS]
    program.get("/tags")  # the use of the key is noted once a minute
    few = {path: _count(program, path) for path in paths}
    for name in ("second", "third"):
        _add_rows(film, bob, name)
    many = {path: _count(program, path) for path in paths}
    assert {path: count for path, count in many.items() if count > 8} == {}
    assert {path: (few[path], many[path]) for path in paths if many[path] > few[path]} == {}


# --- the document


def test_document_is_the_one_that_is_kept() -> None:
    """`python -m tests.api.v1.keep_document` writes it anew."""
    assert json.loads(KEPT.read_text()) == json.loads(json.dumps(document()))


def test_document_is_valid_and_whole(client: Client) -> None:
    answer = client.get(f"{ROOT}/openapi.json")
    found = answer.json()
    validate(found)
    assert found["openapi"].startswith("3.1")
    for path, method, operation in _operations(found):
        assert operation["summary"], path
        assert operation["security"] == [{"key": []}]
        text, _, scope = operation["description"].rpartition("Scope:")
        assert text, path
        assert scope, path
        assert {"401", "403", "429"} <= set(operation["responses"])
        if "requestBody" in operation:
            assert {"400", "415", "422"} <= set(operation["responses"]), (path, method)
    ids = [operation["operationId"] for _path, _method, operation in _operations(found)]
    assert len(ids) == len(set(ids))
    assert client.get(f"{ROOT}/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in found["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_page_reads_no_session_and_fetches_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get(f"{ROOT}/docs")
    assert answer.status_code == 200
    assert b"//" not in answer.content.replace(b"<!DOCTYPE", b"").partition(b"<body>")[0]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


# --- whatever is sent

EVIL: Final[dict[str, list[Any]]] = {
    "string": ["\0", "\ud800", "x" * 5000, "", "\u2800", 5, {}],
    "integer": [-1, 10**40, 1e308, "x", None],
    "number": [1e308, -1, "nan", None, {}],
    "boolean": ["x", []],
    "array": [None, "x", [None], [[]], ["\0"], [{}], list(range(200))],
    "object": [None, [], "x"],
}
PARAMETERS: Final = ("%00", "9" * 40, "%FF", "9999-12-31", "0001-01-01", "1e308", "²")
PATHS: Final = ("%00", "0", "9" * 40, "-1", "00000000-0000-0000-0000-000000000000")


def _cases(found: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Each operation with each value in each of its parameters by itself, and in each field of its body."""
    schemas = found["components"]["schemas"]
    for path, method, operation in _operations(found):
        own = path.removeprefix(ROOT)
        for value in PATHS if "{" in path else ():
            yield method, own.replace("{id}", value).replace("{slug}", value), FOX
        whole = own.replace("{id}", str(uuid.UUID(int=7)) if "uuid" in str(operation) else "7").replace(
            "{slug}", "film"
        )
        for parameter in operation["parameters"]:
            if parameter["in"] == "query":
                yield from ((method, f"{whole}?{parameter['name']}={value}", None) for value in PARAMETERS)
        if "requestBody" in operation:
            yield from ((method, whole, body) for body in _bodies(operation["requestBody"], schemas))


def _bodies(body: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    schema = body["content"]["application/json"]["schema"]
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    fields = schema.get("properties", {})
    good = {name: field["examples"][0] for name, field in fields.items() if "examples" in field}
    for name, field in fields.items():
        kinds = {one.get("type") for one in field.get("anyOf", [field])}
        for value in EVIL.get(next(iter(kinds - {"null", None}), "object"), EVIL["object"]):
            yield good | {name: value}


def test_whatever_is_sent_is_answered_without_a_500(owners: Program, film: Team) -> None:
    owners.client.raise_request_exception = False
    cases = list(_cases(document()))
    answers = {
        (method, path[:80], str(body)[:80]): owners.ask(method.upper(), path, body) for method, path, body in cases
    }
    assert len(answers) > 300
    assert {case: answer.content[:200] for case, answer in answers.items() if answer.status_code >= 500} == {}
    errors = [answer for answer in answers.values() if answer.status_code >= 400]
    assert {answer.headers["Content-Type"] for answer in errors} == {"application/problem+json"}


def test_key_of_somebody_else_is_told_nothing(outsiders: Program, bob: User, film: Team) -> None:
    """Each address of one thing, by its id in another team."""
    row = _add_rows(film, bob, "first")
    link, comment = row.team.share_links.get(), row.comments.get()
    ids: dict[str, Any] = {"generations": row.pk, "comments": comment.pk, "batches": row.batch, "shares": link.pk}
    ids |= {"films": Film.objects.get().pk, "shots": Shot.objects.get().pk}
    ids["library"] = LibraryPicture.objects.get().pk
    ids |= {
        "tags": row.tags.get().pk,
        "collections": Collection.objects.latest("pk").pk,
        "presets": Preset.objects.get().pk,
    }
    bodies: dict[str, Any] = {"patch": {"name": "x"}, "put": {"kind": "approved"}, "post": {"text": "x"}}
    for path, method, _operation in _operations(document()):
        if "{id}" not in path:
            continue
        kind = path.split("/")[3]
        body = {"text": "x"} if kind == "comments" and method == "patch" else bodies.get(method)
        body = {"tags": []} if kind == "generations" and method == "patch" else body
        body = {} if "/shots" in path and body else body
        answer = outsiders.ask(method.upper(), path.removeprefix(ROOT).replace("{id}", str(ids[kind])), body)
        assert answer.status_code == 404, (method, path, answer.content)


def test_without_a_key_nothing_is_told_apart() -> None:
    client = client_with("ks_ab12cd34_" + "x" * 36)
    for path, method, _operation in _operations(document()):
        address = path.replace(
            "{id}",
            "7"
            if any(f"/{one}/" in path for one in ("tags", "collections", "presets", "shots"))
            else str(uuid.uuid4()),
        )
        assert client.generic(method.upper(), address.replace("{slug}", "film")).status_code == 401, path


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_one_state_one_is_refused(bob: User, film: Team) -> None:
    """Both have seen the same ETag."""
    row = make_generation(bob, film, Status.DONE)
    tag = Tag.objects.create(team=film, name="Snow")
    token = make_key(bob, film)[1]
    program, path = Program(token), f"/generations/{row.pk}"
    for own, body in ((path, {"is_private": True}), (f"/tags/{tag.pk}", {"name": "Ice"})):
        etag = program.get(own).headers["ETag"]
        with ThreadPoolExecutor(2) as threads:
            asked = [threads.submit(_patch_by, token, own, body, etag) for _ in range(2)]
        assert sorted(one.result() for one in asked) == [200, 412], own


def _patch_by(token: str, path: str, body: dict[str, Any], etag: str) -> int:
    try:
        return int(Program(token).patch(path, body, **{"If-Match": etag}).status_code)
    finally:
        connection.close()
