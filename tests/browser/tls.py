"""A TLS proxy of the test's own: nginx, configured as the documentation says, and a certificate for it."""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devserver import addresses
from devserver.server import wait_until

_DOCUMENTED: Final = addresses.ROOT / "docs" / "nginx.conf"
_WHOLE: Final = """
daemon off;
{user}
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {documented}
}}
"""


def nginx_program() -> str:
    """Its absence is an error where CI is set, and a loud skip on a developer's machine."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found:
        return found
    message = "No TLS proxy: nginx is not on the PATH (on Debian and Ubuntu: apt install nginx-light)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True)
class Certificate:
    """Signed by itself, so that it is the authority too. `pin` is what Chromium is told to believe in."""

    certificate: Path
    key: Path
    pin: str


def make_certificate(directory: Path, *names: str) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(directory / "studio.pem", directory / "studio.key", _pin(key.public_key()))
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def _pin(key: ec.EllipticCurvePublicKey) -> str:
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


@dataclass(frozen=True)
class Proxy:
    directory: Path
    port: int

    @property
    def access_log(self) -> str:
        return (self.directory / "access.log").read_text()


@contextmanager
def running_nginx(
    directory: Path, port: int, plain_port: int, studio_port: int, name: str, change: Callable[[str], str] = str
) -> Iterator[Proxy]:
    """With TLS on `port`, and plain HTTP, which leads there, on `plain_port`. The certificate has to be there.

    `change` is made to what is documented.
    """
    documented = change(_DOCUMENTED.read_text())
    for before, after in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80", f"listen 127.0.0.1:{plain_port}"),
        ("server_name studio.example.com", f"server_name {name} localhost"),
        ("/etc/ssl/certs/", f"{directory}/"),
        ("/etc/ssl/private/", f"{directory}/"),
        ("/var/log/nginx/studio.log", f"{directory}/access.log"),
        ("http://127.0.0.1:8000", f"http://127.0.0.1:{studio_port}"),
    ):
        assert before in documented
        documented = documented.replace(before, after)
    file = directory / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(_WHOLE.format(directory=directory, documented=documented, user=user))
    process = subprocess.Popen(
        [nginx_program(), "-c", str(file), "-p", str(directory), "-e", str(directory / "error.log")]
    )
    try:
        assert wait_until(lambda: _answers(port) or process.poll() is not None, 30)
        assert process.poll() is None, (directory / "error.log").read_text()
        yield Proxy(directory, port)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
