"""The studio's own addresses, asked for as people and fal ask: does this installation answer, and rightly?"""

import ipaddress
import socket
import uuid
from typing import Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from config.origins import is_loopback
from generations.doctor import self_test
from generations.doctor.outcome import Outcome, failed, ok, warning
from generations.doctor.self_test import RequestReport
from generations.fal import webhooks
from generations.fal.client import LOOPBACK

FORGED_ADDRESS: Final = "192.0.2.1"  # of RFC 5737, nobody's: what a visitor may claim to be
_WEBHOOK_BYTES: Final = 64 * 1024  # more than fal sends
_TIMEOUT: Final = httpx.Timeout(15)
_HOST_ADVICE: Final = "Have the proxy pass the name on (nginx: `proxy_set_header Host $host;`), as in docs/nginx.conf."
_NO_ANSWER: Final = "Point its name to the proxy, start both, and let this machine reach it."
_STATUS_ADVICE: Final = {
    400: f"The studio refuses the host name: name it in ALLOWED_HOSTS. {_HOST_ADVICE}",
    401: "The proxy asks for a password: the studio has its own sign-in, and fal has none.",
    403: "Something before the studio refuses: a firewall, or a protection against robots. Let it pass.",
    404: "Another program answers there, an older version, or an installation with another SECRET_KEY.",
    413: "Let the proxy take bodies of 26 MB (nginx: `client_max_body_size 26m;`).",
}


def site() -> Outcome:
    """An own request to SITE_URL, with an address in X-Forwarded-For that nobody may be taken for."""
    nonce = self_test.make_nonce()
    try:
        answer = _client().get(
            f"{settings.SITE_URL}/healthz/request",
            params={"token": self_test.token_of(nonce)},
            headers={"X-Forwarded-For": FORGED_ADDRESS},
        )
    except httpx.HTTPError as error:
        return _no_answer("SITE_URL", error)
    if not answer.is_success:
        return _refused("SITE_URL", answer)
    report = self_test.unseal(answer.text)
    if report is None or report.nonce != nonce:
        return failed(f"{settings.SITE_URL} answers, and is not this installation.", _STATUS_ADVICE[404])
    return judge(report, settings.SITE_URL, settings.TRUSTED_PROXIES)


def judge(report: RequestReport, site_url: str, trusted: int) -> Outcome:
    """What the studio saw of the request, against what it should have seen."""
    site = urlsplit(site_url)
    if report.host != site.netloc:
        return failed(f"The studio is asked for {report.host} where people ask for {site.netloc}.", _HOST_ADVICE)
    if site.scheme == "https" and not report.is_secure:
        return failed(
            "The studio does not see that people come by https.",
            "Have the proxy set it (nginx: `proxy_set_header X-Forwarded-Proto $scheme;`), and set TRUSTED_PROXIES.",
        )
    return _judge_proxies(report, trusted)


def _judge_proxies(report: RequestReport, trusted: int) -> Outcome:
    """A proxy adds an address, or puts the one it saw in place of what was claimed."""
    claimed = report.forwarded[:1] == [FORGED_ADDRESS]
    proxies = len(report.forwarded) - claimed
    found = (
        f"{proxies} {'proxy adds' if proxies == 1 else 'proxies add'} to X-Forwarded-For, TRUSTED_PROXIES is {trusted}"
    )
    if report.client == FORGED_ADDRESS:
        return failed(
            f"{found}: visitors can claim any address, and limits of attempts do not hold.",
            f"Set TRUSTED_PROXIES={proxies}, or have the proxy write X-Forwarded-For as in docs/nginx.conf.",
        )
    if proxies != trusted:
        return failed(
            f"{found}: limits of attempts go by the wrong address, {report.client}.", f"Set TRUSTED_PROXIES={proxies}."
        )
    return ok(f"This installation answers, and sees {report.client} behind {trusted} proxies.")


def webhook() -> Outcome:
    """A webhook with our MAC and without fal's signature: the studio refuses it in its own words, nothing changes."""
    if not settings.PUBLIC_URL:
        return _without_webhooks()
    url = webhooks.webhook_url(settings.PUBLIC_URL, uuid.UUID(int=0), settings.SECRET_KEY)
    try:
        answer = _client().post(url, json={"test": "x" * _WEBHOOK_BYTES})
    except httpx.HTTPError as error:
        return _no_answer("PUBLIC_URL", error)
    if answer.status_code != 403 or not answer.text.startswith("Not believed: "):
        return _refused("PUBLIC_URL", answer)
    return _judge_reach(urlsplit(settings.PUBLIC_URL).hostname or "")


def _without_webhooks() -> Outcome:
    if settings.DEBUG or not settings.FAL_WEBHOOKS:
        return ok("None: the studio asks fal by itself.")
    return warning("fal can't call, so the studio asks it.", "Set PUBLIC_URL, or FAL_WEBHOOKS=off if that is meant.")


def _judge_reach(host: str) -> Outcome:
    """This machine has come through; fal comes from the internet, except where fal is a sandbox here."""
    if is_loopback(urlsplit(settings.FAL_QUEUE_URL).hostname or ""):
        return ok("Reaches this installation.")
    found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    if not any(ipaddress.ip_address(address).is_global for address in found):
        return warning(
            f"{host} is {', '.join(sorted(found))} from here, which the internet can't reach.",
            "See that it has a public address outside. If fal can't reach it, set FAL_WEBHOOKS=off.",
        )
    return ok("Reaches this installation.")


def _client() -> httpx.Client:
    """Redirects are answers: fal follows none, and a name that redirects is not where people end up."""
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=False, mounts=dict.fromkeys(LOOPBACK))


def _no_answer(name: str, error: httpx.HTTPError) -> Outcome:
    said = " ".join(str(error).split()) or type(error).__name__
    if "CERTIFICATE" in said.upper():
        return failed(
            f"{name}: {said}", "Renew the certificate, for this very name and with its whole chain: fal takes no other."
        )
    return failed(f"{name} does not answer: {said}", _NO_ANSWER)


def _refused(name: str, answer: httpx.Response) -> Outcome:
    where = answer.headers.get("Location", "")
    if answer.is_redirect:
        return failed(f"{name} redirects to {where}.", f"Set {name} to where it leads in the end.")
    if answer.status_code >= 502:
        advice = f"The proxy answers, the web process does not: start `python -m config.web`, at {settings.PORT}."
    else:
        advice = _STATUS_ADVICE.get(answer.status_code, _STATUS_ADVICE[404])
    return failed(f"{name} answers with {answer.status_code}.", advice)
