"""What is no picture is called what it is, behind a link and as a file; what is one is never called anything else."""

import gzip
import json
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile

import pytest

from generations.fal.arguments import InvalidArguments
from generations.mime_sniff import Kind, detect_non_picture
from generations.pictures import fetch_picture, read
from tests.generations.mirror.videos import mp4
from tests.generations.pictures.examples import encoded, quarters
from tests.scripted_server import Reply, ScriptedServer, scripted_server

PAGE = b"<!DOCTYPE html><html><head><title>Cats</title></head><body><img src=cat.jpg></body></html>"
XHTML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "a.dtd">\n'
    b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Cats</title></head></html>'
)
DENIED = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'


def _zip() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("cat.txt", "cat")
    return buffer.getvalue()


KINDS = {
    "page": (PAGE, Kind.WEB_PAGE),
    "page after a byte order mark": (b"\xef\xbb\xbf" + PAGE, Kind.WEB_PAGE),
    "page in UTF-16": (PAGE.decode().encode("utf-16"), Kind.WEB_PAGE),
    "page in Latin-1": (PAGE.replace(b"Cats", b"Caf\xe9"), Kind.WEB_PAGE),
    "page after spaces": (b"\r\n\t  " + PAGE, Kind.WEB_PAGE),
    "page after a comment": (b"<!-- made by <b>a tool</b> -->\n" + PAGE, Kind.WEB_PAGE),
    "page after a long comment": (b"<!--" + b"x" * 5000 + b"-->" + PAGE, Kind.WEB_PAGE),
    "page after a byte order mark and comments": (b"\xef\xbb\xbf<!-- a --> <!-- b -->" + PAGE, Kind.WEB_PAGE),
    "script first": (b"<script>location='/cat'</script>" + PAGE, Kind.WEB_PAGE),
    "style first": (b"<style>a{}</style>" + PAGE, Kind.WEB_PAGE),
    "meta first": (b"<meta charset=utf-8><p>Cats", Kind.WEB_PAGE),
    "html with attributes": (b"<HTML\nlang=en>", Kind.WEB_PAGE),
    "a piece of a page": (b"<div class=cat><img src=cat.jpg></div>", Kind.WEB_PAGE),
    "XHTML": (XHTML, Kind.WEB_PAGE),
    "XHTML with a prefix": (b'<?xml version="1.0"?><h:html xmlns:h="http://www.w3.org/1999/xhtml"/>', Kind.WEB_PAGE),
    "packed page": (gzip.compress(PAGE), Kind.WEB_PAGE),
    "long packed page": (gzip.compress(PAGE + b"<p>cat</p>" * 100_000), Kind.WEB_PAGE),
    "page to sign in": (PAGE.replace(b"<img", b"<form><input name=p type=password></form><img"), Kind.SIGN_IN),
    "page titled so": (b"<html><head><title>Log in | Cats</title></head></html>", Kind.SIGN_IN),
    "JSON object": (b'{"error": "no cat"}', Kind.JSON),
    "JSON after a byte order mark": (b"\xef\xbb\xbf [1, 2]", Kind.JSON),
    "long JSON": (json.dumps([{"cat": number} for number in range(50_000)]).encode(), Kind.JSON),
    "packed JSON": (gzip.compress(b'{"a": 1}'), Kind.JSON),
    "deep JSON": (b"[" * 60_000, Kind.JSON),
    "S3's error": (DENIED, Kind.XML),
    "feed": (b'<rss version="2.0"><channel/></rss>', Kind.XML),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', Kind.SVG),
    "SVG as editors save it": (b'<?xml version="1.0"?><!-- ed --><!DOCTYPE svg PUBLIC "a" "b"><svg/>', Kind.SVG),
    "SVG with a prefix": (b'<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>', Kind.SVG),
    "packed SVG": (gzip.compress(b"<svg/>"), Kind.SVG),
    "text": (b"Dear diary", Kind.TEXT),
    "text of others": ("Заметки о котах".encode(), Kind.TEXT),
    "address of data": (b"data:image/png;base64,iVBORw0KGgo=", Kind.TEXT),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Kind.PDF),
    "MP4": (mp4(seconds=0.25), Kind.VIDEO),
    "QuickTime": (b"\0\0\0\x14ftypqt  \0\0\0\0", Kind.VIDEO),
    "WebM": (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01", Kind.VIDEO),
    "AVI": (b"RIFF\x10\0\0\0AVI LIST", Kind.VIDEO),
    "WAV": (b"RIFF\x10\0\0\0WAVEfmt ", Kind.SOUND),
    "MP3": (b"ID3\x04\0\0\0\0\0\0", Kind.SOUND),
    "M4A": (b"\0\0\0\x14ftypM4A \0\0\0\0", Kind.SOUND),
    "ZIP": (_zip(), Kind.ARCHIVE),
}
ALL = pytest.mark.parametrize(("data", "kind"), KINDS.values(), ids=KINDS)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def fetched_words(server: ScriptedServer, reply: Reply) -> str:
    server.will(reply)
    with pytest.raises(InvalidArguments) as caught:
        fetch_picture("start_link", f"{server.url}/cat.jpg", trusted_origins=frozenset({server.url}))
    return caught.value.problems[0].message


@ALL
def test_link_is_told_what_it_leads_to(server: ScriptedServer, data: bytes, kind: Kind) -> None:
    words = fetched_words(server, Reply(body=data, headers={"Content-Type": "image/jpeg"}))

    assert words == kind.link_message
    assert words.startswith(f"This address leads to {kind.value.what}, not to a picture. ")


@ALL
def test_file_is_told_what_it_is(data: bytes, kind: Kind) -> None:
    with pytest.raises(InvalidArguments) as caught:
        read("start_file", data)
    assert caught.value.problems[0].message == kind.file_message
    assert kind.file_message.startswith(f"This file isn't a picture. It is {kind.value.what}. ")


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP", "TIFF", "AVIF", "ICO"])
def test_pictures_are_called_nothing_else(format_: str) -> None:
    assert detect_non_picture(encoded(quarters(), format_)) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\x80\x90\x01\x02", b"\x1f\x8b\x08junk", b" "]
)
def test_what_cannot_be_told_is_not_guessed(data: bytes) -> None:
    assert detect_non_picture(data) is None


def test_picture_that_a_server_packed_is_taken(server: ScriptedServer) -> None:
    """Some do so though they were asked not to; a browser shows it."""
    cat = encoded(quarters(), "JPEG")
    server.will(Reply(body=gzip.compress(cat), headers={"Content-Encoding": "gzip"}))
    found = fetch_picture("start_link", f"{server.url}/cat.jpg", trusted_origins=frozenset({server.url}))

    assert found.data == cat


def test_packed_picture_grows_only_to_the_limit(server: ScriptedServer) -> None:
    bomb = gzip.compress(encoded(quarters(), "JPEG") + bytes(200 * 1024 * 1024), compresslevel=1)

    assert "it may be at most 10 MB" in fetched_words(server, Reply(body=bomb))
