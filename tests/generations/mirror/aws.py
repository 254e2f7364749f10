"""AWS as its regions answer: a bucket lives in one, and other hosts send away or refuse.

The global host sends 307 for buckets in old regions, and 400 for those in regions opened since 2019, which it doesn't
know; another region's host answers 301 with the right region in `x-amz-bucket-region`.
"""

import datetime
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SINCE_2019: Final = {"me-south-1", "af-south-1", "eu-south-1", "il-central-1", "ap-east-1", "cn-north-1"}
REGIONS: Final = sorted({"us-east-1", "eu-west-1"} | SINCE_2019)

_HOST: Final = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:\.(?P<region>[a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?")


@dataclass
class FakeAws:
    port: int
    certificate: Path
    buckets: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: FakeAws

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        host = _HOST.fullmatch(self.headers["Host"].split(":")[0])
        path = unquote(urlsplit(self.path).path).lstrip("/")
        assert host
        name, key = (host["bucket"], path) if host["bucket"] else path.partition("/")[::2]
        home = self.aws.buckets[name]
        if host["region"] is None and home != "us-east-1":
            is_new = home in SINCE_2019
            code = "IllegalLocationConstraintException" if is_new else "TemporaryRedirect"
            return self._send(400 if is_new else 307, _xml(code), home)
        if host["region"] not in (None, home):
            return self._send(301, _xml("PermanentRedirect"), home)
        return self._serve(name, key, body, home)

    do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815

    def _serve(self, name: str, key: str, body: bytes, home: str) -> None:
        if self.command == "PUT":
            self.aws.objects[name, key] = body
            return self._send(200, b"", home)
        if self.command == "DELETE":
            self.aws.objects.pop((name, key), None)
            return self._send(204, b"", home)
        if key and (name, key) not in self.aws.objects:
            return self._send(404, _xml("NoSuchKey"), home)
        data = self.aws.objects[name, key] if key else b""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(wanted[1]), int(wanted[2] or len(data) - 1)) if wanted else (0, len(data) - 1)
        part = data[first : last + 1]
        extent = {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"} if wanted else {}
        return self._send(206 if wanted else 200, part, home, extent)

    def _send(self, status: int, body: bytes, region: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"x-amz-bucket-region": region, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Quiet."""


def _xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>As AWS says it.</Message></Error>".encode()


@contextmanager
def fake_aws(directory: Path) -> Iterator[FakeAws]:
    certificate = _certificate(directory)
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        handler.aws = aws = FakeAws(server.server_port, certificate)  # type: ignore[attr-defined]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield aws
        finally:
            server.shutdown()


def _certificate(directory: Path) -> Path:
    """Of AWS' own shape: one star, which covers no dot, for the global host and for each region."""
    ending = {"cn-north-1": "amazonaws.com.cn"}
    hosts = ["s3.amazonaws.com", *(f"s3.{region}.{ending.get(region, 'amazonaws.com')}" for region in REGIONS)]
    names = [x509.DNSName(name) for host in hosts for name in (host, f"*.{host}")]
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "s3.amazonaws.com")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "both.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path
