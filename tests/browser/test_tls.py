"""The studio as in production, behind a real TLS proxy: started by its launcher, used by a browser at SITE_URL."""

import re
import secrets
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from devserver.s3 import free_ports
from tests.browser.conftest import RENDERED, TIMEOUT, chromium_program
from tests.browser.tls import Proxy, make_certificate, nginx_program, running_nginx
from tests.devserver.test_launcher import Launched

pytestmark = pytest.mark.browser

NAME: Final = "studio.example.com"
PASSWORD: Final = "a long walk home"
EMAIL: Final = "nora@example.com"


@dataclass(frozen=True)
class Production:
    """`hooks` is where the sandbox calls: no name server knows the studio's name."""

    launched: Launched
    proxy: Proxy
    site: str
    mails: Path
    pin: str

    def last_mail(self) -> str:
        newest = max(self.mails.glob("*.log"), key=lambda file: file.stat().st_mtime_ns)
        return newest.read_text().replace("=\n", "")


@pytest.fixture(scope="module")
def production() -> Iterator[Production]:
    nginx_program()
    with tempfile.TemporaryDirectory(prefix="kling-studio-") as name:  # not pytest's: PostgreSQL's account has to pass
        directory = Path(name)
        port = free_ports(20)
        tls, plain = port + 15, port + 16
        certificate = make_certificate(directory, NAME, "localhost")
        launched = Launched(
            directory / "var",
            port,
            DEBUG="false",
            SECRET_KEY=secrets.token_urlsafe(50),
            SITE_URL=f"https://{NAME}:{tls}",
            PUBLIC_URL=f"https://localhost:{tls}",
            ALLOWED_HOSTS=NAME,
            TRUSTED_PROXIES="1",
            EMAIL_URL=f"file:///{directory / 'mails'}",
            SSL_CERT_FILE=str(certificate.certificate),
            SANDBOX_QUEUE_SECONDS="0.2",
            SANDBOX_RENDER_SECONDS="0.5",
        )
        try:
            launched.wait_until_ready()
            with running_nginx(directory, tls, plain, port, NAME) as proxy:
                yield Production(launched, proxy, f"https://{NAME}:{tls}", directory / "mails", certificate.pin)
        finally:
            if launched.process.poll() is None:
                launched.end()


@pytest.fixture
def context(chromium: Browser, production: Production) -> Iterator[BrowserContext]:
    """A browser that finds the name on this machine and believes in this one certificate, as of an authority."""
    switches = [
        "--no-sandbox",
        "--autoplay-policy=no-user-gesture-required",
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
        f"--ignore-certificate-errors-spki-list={production.pin}",
    ]
    browser = chromium.browser_type.launch(executable_path=chromium_program(), args=switches)
    context = browser.new_context(base_url=production.site, locale="en-US")
    context.set_default_timeout(TIMEOUT)
    yield context
    browser.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": options | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    return page


def test_studio_behind_tls(production: Production, context: BrowserContext, page: Page) -> None:
    """One person's way: sign up, confirm by the mail, sign in, order, watch, reset the password, use a passkey."""
    assert f"Kling Studio is ready: {production.site}/" in production.launched.text()
    assert "admin@example.com" not in production.launched.text()

    sign_up(production, page)
    sign_in(page)
    expect(page.get_by_role("link", name="Start from text")).to_be_visible()
    assert_cookies_are_secure(context)
    assert_headers(production, page)
    order(production, page)

    add_passkey(page)
    sign_out(page)
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("link", name="New video")).to_be_visible()

    sign_out(page)
    reset_password(production, page)
    assert_log_has_no_secret(production)


def sign_up(production: Production, page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Confirm your email address")).to_be_visible()
    page.goto(link_of_mail(production, "confirm-email"))
    page.get_by_role("button", name="Yes, confirm it").click()


def link_of_mail(production: Production, part: str) -> str:
    """Every address in the last mail is the studio's own."""
    links = re.findall(r"https?://\S+", production.last_mail())
    assert links
    assert all(link.startswith(f"{production.site}/") for link in links)
    return str(next(link for link in links if part in link))


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()


def assert_cookies_are_secure(context: BrowserContext) -> None:
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}

    assert {"sessionid", "csrftoken"} <= set(cookies)
    assert all(cookie["secure"] for cookie in cookies.values())
    assert cookies["sessionid"]["httpOnly"]


def assert_headers(production: Production, page: Page) -> None:
    """Not from the browser, which leaves some out where it has the file already."""
    page.goto("/")
    style = page.locator("link[rel=stylesheet]").first.get_attribute("href") or ""
    for address in ("/", style, "/no-such-page"):
        answer = ask(production, address)
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
    assert ask(production, "/readyz").json() == {"ready": True}, "who comes by the proxy sees no details"


def ask(production: Production, address: str) -> httpx.Response:
    trust = ssl.create_default_context(cafile=production.proxy.directory / "studio.pem")
    here = f"https://localhost:{production.proxy.port}"
    return httpx.get(here + address, headers={"Host": urlsplit(production.site).netloc}, verify=trust, timeout=30)


def order(production: Production, page: Page) -> None:
    """fal's webhook comes by the proxy too."""
    page.goto("/generations/new/")
    page.get_by_label("Prompt", exact=True).fill("A paper boat in the rain")
    page.get_by_role("button", name="Generate").click()
    page.locator(".made .card__prompt").click()
    video = page.locator("video")
    expect(video).to_be_visible(timeout=RENDERED)
    video.evaluate("video => video.readyState > 0 || new Promise(done => video.onloadedmetadata = done)")
    assert re.search(r"POST /webhooks/fal/[-0-9a-f]+/ HTTP/1\.1\" 200", production.proxy.access_log)


def add_passkey(page: Page) -> None:
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    if page.get_by_role("button", name="Confirm").count():
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("My key")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_text("My key").or_(page.get_by_role("heading", name="Recovery codes"))).to_be_visible()


def reset_password(production: Production, page: Page) -> None:
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.locator("main form button").click()
    expect(page).to_have_url(re.compile(r"/password/reset/done/"))
    page.goto(link_of_mail(production, "password/reset/key"))
    expect(page).to_have_url(re.compile(rf"^https://{NAME}:\d+/accounts/password/reset/key/"))


def assert_log_has_no_secret(production: Production) -> None:
    """Neither the proxy's nor the studio's."""
    mails = "".join(file.read_text() for file in production.mails.glob("*.log")).replace("=\n", "")
    tokens = re.findall(r"/(?:confirm-email|key)/([^/\s]{10,})", mails)
    assert len(tokens) >= 2
    logs = production.proxy.access_log + production.launched.text()
    assert not [token for token in tokens if token in logs]
    assert "mac=" not in logs


def test_plain_http_leads_to_tls(production: Production) -> None:
    answer = httpx.get(f"http://localhost:{production.proxy.port + 1}/accounts/login/")

    assert answer.status_code == 301
    assert answer.headers["location"].startswith("https://")
