"""The list of sessions: what their browsers are called, when they were last used, and that each can be ended."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import sessions
from accounts.models import User
from accounts.user_agents import browser_name
from tests.cast import signed_in

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
FIREFOX = f"{MOZILLA} (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = (
    f"{MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
LIST = reverse("usersessions_list")


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iOS"),
        (f"{MOZILLA} (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Ubuntu"),
        (f"{MOZILLA} (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox on Android"),
        (f"{MOZILLA} (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (
            f"{MOZILLA} (Linux; Android 14; Pixel 8; wv) {WEBKIT} Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (SAFARI.replace("Version/17.5", "CriOS/131.0.6778.73"), "Chrome on iOS"),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18.1 Safari/605.1", "Safari on macOS"),
        (f"{MOZILLA} (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36", "Chrome on ChromeOS"),
        (f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge on Windows"),
        (f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0", "Opera on Windows"),
        (
            f"{MOZILLA} (Linux; Android 14; SM-S9) {WEBKIT} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("curl/8.5.0", "curl"),
        (f"{MOZILLA} (Windows NT 10.0)", "A browser on Windows"),
        ("<script>alert(1)</script>", "An unknown browser"),
        ("", "An unknown browser"),
    ],
)
def test_browser_has_the_name_that_people_know(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


def browser(user: User, user_agent: str) -> Client:
    """Signed in, and used once."""
    client = signed_in(user)
    client.defaults["HTTP_USER_AGENT"] = user_agent
    assert client.get(LIST).status_code == 200
    return client


def session_of(client: Client) -> UserSession:
    found: UserSession = UserSession.objects.get(session_key=client.session.session_key)
    return found


def test_list_names_each_session_and_its_times(bob: User) -> None:
    here, phone = browser(bob, FIREFOX), browser(bob, SAFARI)
    UserSession.objects.filter(pk=session_of(phone).pk).update(last_seen_at=timezone.now() - timedelta(days=3))
    page = here.get(LIST).content.decode()

    assert page.index("Firefox on Windows") < page.index("Safari on iOS"), "what was used last comes first"
    assert "3\xa0days ago" in page
    assert page.count("Signed in") == 2
    assert page.count("This session") == 1


def test_ended_session_is_a_strangers_at_once(bob: User) -> None:
    here, phone, tablet = browser(bob, FIREFOX), browser(bob, SAFARI), browser(bob, SAFARI)
    answer = here.post(reverse("account-session-end", args=[session_of(phone).pk]), follow=True)

    assert "Safari on iOS is signed out." in answer.content.decode()
    assert phone.get(LIST).status_code == 302
    assert phone.get("/generations/new/").headers["Location"].startswith("/accounts/login/")
    assert phone.get("/events").status_code != 200
    assert [tablet.get(LIST).status_code, here.get(LIST).status_code] == [200, 200]
    assert UserSession.objects.filter(user=bob).count() == 2


def test_own_session_is_ended_like_any_other(bob: User) -> None:
    client = browser(bob, FIREFOX)
    client.post(reverse("account-session-end", args=[session_of(client).pk]))
    assert client.get(LIST).status_code == 302


def test_session_of_somebody_else_is_not_there(bob: User, mallory: User) -> None:
    bobs, mallorys = browser(bob, FIREFOX), browser(mallory, SAFARI)
    assert mallorys.post(reverse("account-session-end", args=[session_of(bobs).pk])).status_code == 404
    assert bobs.get(LIST).status_code == 200


def test_use_is_written_down_once_in_a_while(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PERIOD", 10**9)  # so that none ends within the test
    client = browser(bob, FIREFOX)
    long_ago = timezone.now() - timedelta(days=3)
    UserSession.objects.update(last_seen_at=long_ago)
    client.get("/teams/")
    assert session_of(client).last_seen_at == long_ago, "the database is not asked again within a period"

    sessions._write.cache_clear()  # as another process, or a later period
    client.get("/teams/")
    assert session_of(client).last_seen_at > long_ago + timedelta(days=2)


def test_new_address_and_browser_of_a_session_are_seen_at_once(bob: User) -> None:
    client = browser(bob, FIREFOX)
    client.get("/teams/", headers={"user-agent": SAFARI}, REMOTE_ADDR="203.0.113.7")
    session = session_of(client)
    assert (session.ip, session.user_agent) == ("203.0.113.7", SAFARI)


@pytest.mark.parametrize("address", ["", "nonsense"])
def test_client_without_an_address_is_served(bob: User, address: str) -> None:
    client = signed_in(bob)
    assert client.get("/teams/", REMOTE_ADDR=address).status_code == 200


def test_staff_who_act_as_somebody_keep_one_session_of_their_own(bob: User, mona: User) -> None:
    """Its key changes with each impersonation, its sign-in does not; the person it looks at is signed in nowhere."""
    mona.user_permissions.add(Permission.objects.get(codename="add_impersonation"))
    client = browser(mona, FIREFOX)
    signed_in_at = timezone.now() - timedelta(days=3)
    UserSession.objects.update(created_at=signed_in_at)
    client.post(f"/admin/accounts/user/{bob.pk}/impersonate/", {"reason": "They can't find their video."})
    assert client.get("/").context["user"] == bob
    client.post("/impersonation/stop")
    client.get(LIST)

    (session,) = UserSession.objects.all()
    assert (session, session.user, session.created_at) == (session_of(client), mona, signed_in_at)


def test_every_session_that_is_signed_in_is_listed(bob: User) -> None:
    """Also one whose row has gone, such as by a change of its key."""
    client = browser(bob, FIREFOX)
    UserSession.objects.all().delete()
    sessions._write.cache_clear()
    client.get("/teams/")
    assert session_of(client).user == bob


def _delete_stored(client: Client) -> None:
    Session.objects.filter(pk=client.session.session_key).delete()


def _expire(client: Client) -> None:
    Session.objects.filter(pk=client.session.session_key).update(expire_date=timezone.now())


def _sign_in_before_the_password_changed(client: Client) -> None:
    session = client.session
    session[HASH_SESSION_KEY] = "of the password before"
    session.save()


def _sign_out(client: Client) -> None:
    session = client.session
    del session[SESSION_KEY]
    session.save()


@pytest.mark.parametrize(
    "end", [_delete_stored, _expire, _sign_in_before_the_password_changed, _sign_out], ids=lambda end: end.__name__
)
def test_session_that_ended_by_itself_is_not_listed(bob: User, end: Callable[[Client], None]) -> None:
    here, phone = browser(bob, FIREFOX), browser(bob, SAFARI)
    end(phone)
    page = here.get(LIST).content.decode()

    assert "Firefox on Windows" in page
    assert "Safari on iOS" not in page
    assert UserSession.objects.get() == session_of(here), "its row is deleted"


def test_all_other_sessions_are_ended_at_once(bob: User) -> None:
    here, *others = (browser(bob, agent) for agent in (FIREFOX, SAFARI, SAFARI))
    answer = here.post(LIST, follow=True)

    assert "All other sessions are signed out." in answer.content.decode()
    assert [client.get(LIST).status_code for client in (here, *others)] == [200, 302, 302]
