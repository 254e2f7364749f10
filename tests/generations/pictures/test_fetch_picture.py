"""Pictures from links that people type: each way it can go wrong has a sentence of its own."""

from collections.abc import Iterator

import httpx
import pytest

from generations import pictures
from generations.fal.arguments import MAX_PICTURE_BYTES, InvalidArguments, PictureFormat, Problem
from generations.pictures import Picture, fetch_picture
from tests.generations.pictures.examples import encoded, quarters
from tests.scripted_server import Reply, ScriptedServer, scripted_server

NAME = "start_link"
CAT = encoded(quarters(), "JPEG")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def fetched(server: ScriptedServer, reply: Reply) -> Picture:
    server.will(reply)
    return fetch_picture(NAME, f"{server.url}/cat.jpg", trusted_origins=frozenset({server.url}))


def problem_at(url: str, *trusted: str) -> Problem:
    with pytest.raises(InvalidArguments) as caught:
        fetch_picture(NAME, url, trusted_origins=frozenset(trusted))
    (only,) = caught.value.problems
    assert only.field == NAME
    return only


def problem(server: ScriptedServer, reply: Reply) -> Problem:
    server.will(reply)
    return problem_at(f"{server.url}/cat.jpg", server.url)


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "text/html", "application/octet-stream", ""])
def test_a_picture_is_known_by_its_content_not_by_its_header(server: ScriptedServer, content_type: str) -> None:
    picture = fetched(server, Reply(body=CAT, headers={"Content-Type": content_type}))
    assert (picture.data, picture.media_type) == (CAT, PictureFormat.JPEG)


def test_a_webp_behind_a_link_is_converted(server: ScriptedServer) -> None:
    assert fetched(server, Reply(body=encoded(quarters(), "WEBP"))).media_type is PictureFormat.JPEG


def test_spaces_around_the_link_do_no_harm(server: ScriptedServer) -> None:
    server.will(Reply(body=CAT))
    assert fetch_picture(NAME, f" {server.url}/cat.jpg\n", trusted_origins=frozenset({server.url})).data == CAT


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "http://127.0.0.1:8000/cat.jpg",
            "This address leads into a private network (127.0.0.1), which isn't fetched.",
        ),
        (
            "https://127.0.0.1:8000/cat.jpg",
            "This address leads into a private network (127.0.0.1), which isn't fetched.",
        ),
        ("https://[::1]/", "This address leads into a private network (::1), which isn't fetched."),
        ("https://nobody.invalid/cat.jpg", "There is no nobody.invalid on the internet. Check the address."),
        ("cat.jpg", "Give a web address that starts with https://."),
        ("C:\\Pictures\\cat.jpg", "Give a web address that starts with https://."),
        ("data:image/png;base64,AAAA", "Give a web address that starts with https://."),
        ("file:///etc/passwd", "Give a web address that starts with https://."),
        ("", "Give a web address that starts with https://."),
        ("https://me:secret@example.com/", "An address with a user name or password in it isn't fetched."),
        ("https://0177.0.0.1/", "This isn't a web address. Give one that starts with https://."),
        ("https://xn--a/", "This isn't a web address. Give one that starts with https://."),
        ("https://a:b/", "This isn't a web address. Give one that starts with https://."),
    ],
)
def test_links_that_lead_nowhere(url: str, words: str) -> None:
    assert problem_at(url) == Problem(NAME, "file_download_error", words)


def test_a_server_that_is_away() -> None:
    found = problem_at("http://127.0.0.1:1/cat.jpg", "http://127.0.0.1:1")
    assert found.message == "127.0.0.1 can't be reached. Check the address, or upload the picture here."


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "There is nothing at this address (404)."),
        (410, "There is nothing at this address (410)."),
        (401, "isn't open to everybody (401)."),
        (403, "isn't open to everybody (403)."),
        (500, "answered with an error (500)."),
        (304, "answered with an error (304)."),
    ],
)
def test_links_that_answer_with_an_error(server: ScriptedServer, status: int, words: str) -> None:
    found = problem(server, Reply(status, b""))
    assert found.type == "file_download_error"
    assert words in found.message


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Cats</title>", b"\n <html lang=en>", b"<head>"])
def test_a_link_to_a_page(server: ScriptedServer, page: bytes) -> None:
    words = "This address leads to a web page, not to a picture. Give the address of the picture itself."
    assert problem(server, Reply(body=page)) == Problem(NAME, "image_load_error", words)


def test_a_link_to_something_else(server: ScriptedServer) -> None:
    assert problem(server, Reply(body=b"Dear diary")).type == "image_load_error"
    assert problem(server, Reply(body=b"")).message == "The file is empty."
    assert problem(server, Reply(body=encoded(quarters(), "TIFF"))).type == "unsupported_image_format"
    assert problem(server, Reply(body=encoded(quarters(200, 200), "PNG"))).type == "image_too_small"


def test_an_announced_length_is_enough_to_refuse(server: ScriptedServer) -> None:
    found = problem(server, Reply(body=b"x", length=50 * 1024 * 1024))
    assert (found.type, found.message) == ("file_too_large", "The picture is 50.0 MB; it may be at most 10 MB.")


def test_one_without_a_length_is_cut_off(server: ScriptedServer) -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_PICTURE_BYTES + 1)
    found = problem(server, Reply(raw=endless))
    assert (found.type, found.message) == ("file_too_large", "The picture at this address is larger than 10 MB.")


def test_a_redirect_inside_is_not_followed(server: ScriptedServer) -> None:
    with scripted_server() as inside:
        inside.will(Reply(body=CAT))
        found = problem(server, Reply(302, headers={"Location": f"{inside.url}/cat.jpg"}))
        assert found.type == "file_download_error"
        assert inside.asked == []


def test_redirects_without_end(server: ScriptedServer) -> None:
    words = "The address redirects too often. Give the address of the picture itself."
    assert problem(server, Reply(302, headers={"Location": "/"})).message == words


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=CAT, cut=100),
        Reply(raw=b""),
        Reply(raw=b"SSH-2.0\r\n"),
        Reply(302, headers={"Location": "https://xn--a/"}),
    ],
)
def test_a_download_that_breaks_off(server: ScriptedServer, reply: Reply) -> None:
    words = "The download from 127.0.0.1 broke off. Try again, or upload the picture here."
    assert problem(server, reply) == Problem(NAME, "file_download_error", words)


@pytest.mark.parametrize("reply", [Reply(pause=1), Reply(body=CAT[:50], drip=0.1)])
def test_slow_servers(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    monkeypatch.setattr(pictures, "FETCH_TIMEOUT", httpx.Timeout(0.4))
    monkeypatch.setattr(pictures, "FETCH_SECONDS", 0.4)
    words = "127.0.0.1 took too long to answer. Try again, or upload the picture here."
    assert problem(server, reply).message == words
