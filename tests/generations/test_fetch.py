"""What may be fetched, and from where exactly: scripted names, real connections, real TLS."""

import contextlib
import datetime
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from generations import fetch
from tests.scripted_server import Reply, ScriptedServer, scripted_server

PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "2606:4700::6810:84e5"
HOST = "pictures.example"


class Internet:
    """Names resolve as `names` says; connections to public addresses arrive at `servers`, and are noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {}  # a list of addresses for each time that it is asked
        self.servers: dict[str, int] = {}
        self.connected: list[tuple[str, int]] = []
        self.resolved: list[str] = []
        self._getaddrinfo = socket.getaddrinfo
        self._create_connection = socket.create_connection
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)
        monkeypatch.setattr(socket, "create_connection", self.create_connection)

    def getaddrinfo(self, host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in self.names:
            return self._getaddrinfo(host, port, *args, **kwargs)  # addresses in digits; names of nobody fail
        self.resolved.append(host)
        answers = self.names[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def create_connection(self, address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        self.connected.append(address)
        if address[0] not in self.servers and address[0] != "127.0.0.1":
            raise ConnectionRefusedError(111, "Connection refused")
        port = self.servers.get(address[0], address[1])
        return self._create_connection(("127.0.0.1", port), *args, **kwargs)


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    return Internet(monkeypatch)


@pytest.fixture
def local() -> Iterator[ScriptedServer]:
    """Something inside the network."""
    with scripted_server() as running:
        running.will(Reply(body=b"secret"))
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for pictures.example, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def public(internet: Internet, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """https://pictures.example, at a public address."""
    monkeypatch.setattr(fetch, "_certificates", lambda: ssl.create_default_context(cafile=str(certificate)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted_server(wrap=lambda plain: context.wrap_socket(plain, server_side=True)) as running:
        internet.names[HOST] = [[PUBLIC]]
        internet.servers[PUBLIC] = running.server_port
        running.will(Reply(body=b"a picture"))
        yield running


def get(url: str, *trusted: str) -> httpx.Response:
    with fetch.client(trusted_origins=frozenset(trusted)) as client:
        return client.get(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),  # NAT64 of 8.8.8.8
        ("2002:808:808::1", True),  # 6to4 of 8.8.8.8
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("192.0.0.8", False),
        ("192.0.2.1", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),  # 127.0.0.1 in the old compatible form
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:0:7f00:1", False),
        ("64:ff9b::7f00:1", False),  # NAT64 of 127.0.0.1
        ("64:ff9b:1::7f00:1", False),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("2001:0:7f00:1::", False),  # Teredo
        ("2001:db8::1", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("1234::1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert fetch.is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127。0。0。1/",
        "https://0/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::a00:1]/",
        "https://10.0.0.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://inside.example/",
        "https://half-inside.example/",
    ],
)
def test_nothing_inside_is_fetched_whatever_its_name(internet: Internet, url: str) -> None:
    internet.names |= {
        "inside.example": [["10.0.0.1"]],
        "half-inside.example": [[PUBLIC, "192.168.0.1"]],
        "localhost.": [["127.0.0.1"]],
    }
    with pytest.raises(fetch.AddressRefused, match="private network"):
        get(url)
    assert internet.connected == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://93.184.215.14/", "https://"),
        ("http://127.0.0.1/", "private network"),
        ("ftp://93.184.215.14/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://127.0.0.1:70/", "https://"),
        ("pictures.example/cat.jpg", "https://"),
        ("https:///cat.jpg", "https://"),
        ("https://me:secret@93.184.215.14/", "password"),
        ("https://me@93.184.215.14/", "password"),
    ],
)
def test_other_addresses_are_refused_in_words(internet: Internet, url: str, words: str) -> None:
    with pytest.raises(fetch.AddressRefused, match=words):
        get(url)
    assert internet.connected == []


def test_a_public_host_is_fetched_at_the_address_that_was_checked(internet: Internet, public: ScriptedServer) -> None:
    answer = get(f"https://{HOST}/cat.jpg?size=1")
    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert internet.connected == [(PUBLIC, 443)]
    (asked,) = public.asked
    assert (asked.path, asked.headers["host"]) == ("/cat.jpg?size=1", HOST)
    assert (asked.headers["user-agent"], asked.headers["accept-encoding"]) == ("kling-studio", "identity")


def test_a_name_that_changes_its_address_is_resolved_once(internet: Internet, public: ScriptedServer) -> None:
    internet.names[HOST] = [[PUBLIC], ["127.0.0.1"]]
    assert get(f"https://{HOST}/").content == b"a picture"
    assert internet.resolved == [HOST]
    with pytest.raises(fetch.AddressRefused):
        get(f"https://{HOST}/")
    assert internet.connected == [(PUBLIC, 443)]


def test_ports_of_public_hosts_are_free(internet: Internet, public: ScriptedServer) -> None:
    assert get(f"https://{HOST}:8443/").content == b"a picture"
    assert internet.connected == [(PUBLIC, 8443)]
    assert public.asked[0].headers["host"] == f"{HOST}:8443"


def test_an_address_that_takes_no_connection_gives_way_to_the_next(internet: Internet, public: ScriptedServer) -> None:
    internet.names[HOST] = [[OTHER_PUBLIC, PUBLIC]]
    assert get(f"https://{HOST}/").content == b"a picture"
    assert internet.connected == [(OTHER_PUBLIC, 443), (PUBLIC, 443)]


def test_no_address_takes_a_connection(internet: Internet) -> None:
    internet.names[HOST] = [[f"93.184.215.{last}" for last in range(1, 9)]]
    with pytest.raises(httpx.ConnectError):
        get(f"https://{HOST}/")
    assert len(internet.connected) == 3


def test_the_certificate_must_be_the_names(internet: Internet, public: ScriptedServer) -> None:
    internet.names["other.example"] = [[PUBLIC]]
    with pytest.raises(httpx.ConnectError, match="certificate"):
        get("https://other.example/")
    assert public.asked == []


def test_two_names_at_one_address_share_no_connection(internet: Internet, public: ScriptedServer) -> None:
    internet.names["other.example"] = [[PUBLIC]]
    with fetch.client() as client:
        assert client.get(f"https://{HOST}/").status_code == 200
        with pytest.raises(httpx.ConnectError, match="certificate"):
            client.get("https://other.example/")
        assert client.get(f"https://{HOST}/").status_code == 200
    assert len(internet.connected) == 3


@pytest.mark.parametrize("host", ["nobody.invalid", "a..b", "x" * 70])
def test_a_host_that_does_not_exist(host: str) -> None:
    with pytest.raises(fetch.HostNotFound):
        get(f"https://{host}/")


@pytest.mark.parametrize(
    "url", ["https://xn--a/", "https://0177.0.0.1/", "https://[", "https://a:999999/", "https://a b/"]
)
def test_no_address_at_all(url: str) -> None:
    with pytest.raises((httpx.InvalidURL, fetch.HostNotFound)):
        get(url)


def test_a_name_without_addresses_does_not_exist(internet: Internet) -> None:
    internet.names[HOST] = [[]]
    with pytest.raises(fetch.HostNotFound):
        get(f"https://{HOST}/")


def test_the_environments_proxy_is_not_used(
    internet: Internet, public: ScriptedServer, local: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, local.url)
    assert get(f"https://{HOST}/").content == b"a picture"
    assert local.asked == []


class TestRedirects:
    @pytest.mark.parametrize(
        "target",
        [
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://inside.example/",
            "http://pictures.example/",
            "http://127.0.0.1:{port}/",
            "https://me:secret@pictures.example/",
            "ftp://pictures.example/",
            "file:///etc/passwd",
            "//127.0.0.1/",
        ],
    )
    def test_each_hop_is_checked(
        self, internet: Internet, public: ScriptedServer, local: ScriptedServer, target: str
    ) -> None:
        internet.names["inside.example"] = [["10.0.0.1"]]
        public.pages["/"] = Reply(302, headers={"Location": target.format(port=local.server_port)})
        with pytest.raises(fetch.AddressRefused):
            get(f"https://{HOST}/")
        assert internet.connected == [(PUBLIC, 443)]
        assert local.asked == []

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        "target", ["/cat.jpg", "cat.jpg", "https://pictures.example/cat.jpg", "//pictures.example/cat.jpg"]
    )
    def test_good_ones_are_followed(self, public: ScriptedServer, status: int, target: str) -> None:
        public.pages["/"] = Reply(status, headers={"Location": target})
        answer = get(f"https://{HOST}/")
        assert (answer.content, str(answer.url)) == (b"a picture", f"https://{HOST}/cat.jpg")

    @pytest.mark.parametrize(("hops", "outcome"), [(5, 200), (6, httpx.TooManyRedirects)])
    def test_at_most_five(self, public: ScriptedServer, hops: int, outcome: object) -> None:
        public.will(*[Reply(302, headers={"Location": "/"})] * hops, Reply(body=b"a picture"))
        try:
            found: object = get(f"https://{HOST}/").status_code
        except httpx.TooManyRedirects as error:
            found = type(error)
        assert found == outcome

    def test_their_bodies_are_not_read(self, public: ScriptedServer) -> None:
        """Else a redirect with an endless body would fill our memory."""
        endless = Reply(302, b"x" * 100_000, {"Location": "/cat.jpg"}, drip=1)
        public.pages["/"] = endless
        with fetch.client(timeout=httpx.Timeout(2)) as client:
            assert client.get(f"https://{HOST}/").content == b"a picture"

    @pytest.mark.parametrize(
        ("location", "path"),
        [
            ("/caf\xe9.mp4", "/caf%E9.mp4"),  # raw Latin-1
            ("/caf\xc3\xa9 a.mp4", "/caf%C3%A9%20a.mp4"),  # raw UTF-8, and a space
            (f"//{HOST}/a.mp4", "/a.mp4"),
            ("a.mp4#t=1", "/a.mp4"),
            (" /a.mp4?x=%2f ", "/a.mp4?x=%2f"),
        ],
    )
    def test_however_it_is_written(self, public: ScriptedServer, location: str, path: str) -> None:
        public.pages["/"] = Reply(302, headers={"Location": location})
        public.pages[path] = Reply(body=b"a picture")
        assert get(f"https://{HOST}/").content == b"a picture"

    @given(st.binary(max_size=40))
    @example(b"")
    @example(b"https://xn--a/")
    @example(b"\xff://\xff")
    def test_no_bytes_break_it(self, location: bytes) -> None:
        """Either an address in ASCII comes of it, or httpx's own error, which every caller knows."""
        with contextlib.suppress(httpx.RemoteProtocolError):
            assert fetch._absolute_url(httpx.URL(f"https://{HOST}/a"), location).isascii()

    @pytest.mark.parametrize("target", ["https://xn--a/", "https://0177.0.0.1/", "https://a:b:c/", "https://a:999999/"])
    def test_to_no_address_at_all(self, public: ScriptedServer, target: str) -> None:
        public.pages["/"] = Reply(302, headers={"Location": target, "Set-Cookie": "a=b"})
        with pytest.raises(httpx.RequestError):
            get(f"https://{HOST}/")


class TestTrusted:
    def test_the_operators_own_origin_may_be_http_and_inside(self, local: ScriptedServer) -> None:
        assert get(f"{local.url}/video.mp4", local.url).content == b"secret"

    def test_a_slash_at_its_end_changes_nothing(self, local: ScriptedServer) -> None:
        assert get(local.url, f"{local.url}/").content == b"secret"

    @pytest.mark.parametrize(
        "change",
        [
            lambda url: url.replace("http:", "https:"),
            lambda url: url.replace("127.0.0.1", "localhost"),
            lambda url: url.replace("127.0.0.1", "127.0.0.2"),
            lambda url: url[:-1],
            lambda url: "http://127.0.0.1",
            lambda url: url.replace("http://", "http://me@"),
            lambda url: url.replace("127.0.0.1", "2130706433"),
        ],
    )
    def test_nothing_else_is(self, local: ScriptedServer, change: Callable[[str], str]) -> None:
        with pytest.raises(fetch.AddressRefused):
            get(change(local.url), local.url)
        assert local.asked == []

    def test_another_port_of_the_same_host_is_not(self, local: ScriptedServer) -> None:
        with scripted_server() as other, pytest.raises(fetch.AddressRefused):
            get(other.url, local.url)

    def test_every_port_of_a_host_only_where_it_is_said(self, local: ScriptedServer) -> None:
        with scripted_server() as other:
            other.will(Reply(302, headers={"Location": local.url}))
            assert get(other.url, "http://127.0.0.1:*").content == b"secret"
        for url in ("http://localhost:1/", "https://127.0.0.1:1/", "http://127.0.0.2:1/", "http://10.0.0.1/"):
            with pytest.raises(fetch.AddressRefused):
                get(url, "http://127.0.0.1:*")

    def test_it_may_not_redirect_to_anything_else_inside(self, local: ScriptedServer) -> None:
        with scripted_server() as other:
            local.will(Reply(302, headers={"Location": other.url}))
            with pytest.raises(fetch.AddressRefused):
                get(local.url, local.url)
            assert other.asked == []

    def test_ports_left_out_are_the_schemes(self, internet: Internet) -> None:
        internet.servers["10.0.0.1"] = 1
        with pytest.raises(httpx.ConnectError):
            get("http://10.0.0.1:80/", "http://10.0.0.1")
        assert internet.connected == [("10.0.0.1", 80)]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(body=b"x" * 100, cut=10), httpx.RemoteProtocolError),
        (Reply(raw=b"SSH-2.0-OpenSSH\r\n"), httpx.RemoteProtocolError),
        (Reply(pause=1), httpx.ReadTimeout),
    ],
)
def test_the_rest_are_httpxs_own_errors(local: ScriptedServer, reply: Reply, error: type[Exception]) -> None:
    local.will(reply)
    origin = frozenset({local.url})
    with fetch.client(trusted_origins=origin, timeout=httpx.Timeout(0.3)) as client, pytest.raises(error):
        client.get(local.url)
