"""A user who deletes their account is forgotten: every text of every table is searched for their name and addresses."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Invitation, Membership, Team, User
from accounts.roles import Role
from api.fal_webhooks import add as register_fal_webhook
from api.models import ApiRequest, WebhookDelivery, WebhookEndpoint
from api.webhooks import collect
from generations import tasks
from generations.models import BudgetWarning, Collection, Generation, Preset, Status, Tag
from sharing.review import Reviewer, add_comment, give_verdict
from tests.accounts.openid_provider import Provider
from tests.accounts.test_openid import provider, sign_in
from tests.api.conftest import make_key
from tests.api.webhook_cast import make_endpoint
from tests.cast import make_generation, make_upload, make_video, signed_in
from tests.security.test_reauthentication import round_trip

__all__ = ["provider"]  # the fixture

PASSWORD = "a fox in the snow"
NAME = "Zebedee Quux"
EMAIL = "zebedee@quux.example"
# whatever of these is found would lead back to the person
MARKERS = ("zebedee", "quux", "seventeen-of-the-provider", "203.0.113.77", "marked-browser")
# what staff have written down about a person is evidence, which is never rewritten
KEPT = {("accounts_impersonation", "reason")}


@pytest.fixture
def zeb(film: Team, alice: User) -> User:
    zeb = User.objects.create_user(EMAIL, PASSWORD, name=NAME)
    Membership.objects.create(team=film, user=zeb, role=Role.ADMIN)
    EmailAddress.objects.create(user=zeb, email=EMAIL, primary=True, verified=True)
    EmailAddress.objects.create(user=zeb, email="second@quux.example", verified=True)
    return zeb


def found() -> list[tuple[str, str, str]]:
    """(table, column, marker) wherever a marker stands, in any column of any table that can hold text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN"
            " information_schema.tables t USING (table_schema, table_name)"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'cache'"
            " ORDER BY 1, 2"
        )
        columns = cursor.fetchall()
        hits = []
        for table, column, kind in columns:
            value = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT DISTINCT {value} FROM "{table}" WHERE "{column}" IS NOT NULL')
            texts = "\n".join(row[0] for row in cursor.fetchall()).lower()
            hits += [(table, column, marker) for marker in MARKERS if marker in texts]
    return [*hits, *in_sessions(), *in_cache()]


def in_sessions() -> Iterator[tuple[str, str, str]]:
    for session in Session.objects.all():
        text = json.dumps(session.get_decoded()).lower()
        yield from (("django_session", "decoded", marker) for marker in MARKERS if marker in text)


def in_cache() -> Iterator[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        keys = [key.split(":", 2)[-1] for (key,) in cursor.fetchall()]
    for key in keys:
        # of tries, a network address is counted for some minutes, and not whose it is
        text = f"{key}{cache.get(key)}".lower().replace("ip:203.0.113.77", "")
        yield from (("cache", "value", marker) for marker in MARKERS if marker in text)


def sure_of(user: User) -> Client:
    browser = Client(headers={"user-agent": "marked-browser"}, REMOTE_ADDR="203.0.113.77")
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def live(zeb: User, film: Team, alice: User, mona: User) -> None:
    """A long life in the studio: everything that writes about a person, done as it is done."""
    alone = Team.objects.create(name="Quux Films", slug="quux-films", domains=["quux.example"])
    Membership.objects.create(team=alone, user=zeb, role=Role.OWNER)
    browser = sure_of(zeb)
    Client().post("/accounts/login/", {"login": EMAIL, "password": "wrong"})
    browser.post("/accounts/settings/", {"name": NAME, "theme": "dark"})
    browser.post("/teams/film/invitations", {"email": "friend@quux.example", "role": "member"})
    browser.post("/teams/film/links", {"uses": "3", "role": "viewer"})
    signed_in(alice).post("/teams/film/", {"name": "Film"})
    other = Team.objects.create(name="Other", slug="other")
    Membership.objects.create(team=other, user=alice, role=Role.OWNER)
    signed_in(alice).post("/teams/other/invitations", {"email": EMAIL.upper(), "role": "member"})
    Preset.objects.create(user=zeb, name="Zebedee’s", values={})
    make_upload(zeb)
    for team in (zeb.personal_team, alone):
        row = make_generation(zeb, team, Status.DONE, prompt=f"{NAME} in the snow", negative_prompt="quux")
        make_video(row)
        Tag.objects.create(team=team, name="Quux").generations.add(row)
        Collection.objects.create(team=team, name="Zebedee")
    make_generation(zeb, film, Status.DONE, prompt=f"{NAME} alone", is_private=True)
    make_video(make_generation(zeb, film, Status.DONE))
    for kind in ("totp", "webauthn", "recovery_codes"):
        Authenticator.objects.create(user=zeb, type=kind, data={"name": f"{NAME}’s key", "secret": "quux"})
    uid = "seventeen-of-the-provider"
    account = SocialAccount.objects.create(user=zeb, provider="oidc", uid=uid, extra_data={"email": EMAIL})
    SocialToken.objects.create(account=account, token="quux", token_secret="quux")
    root = User.objects.create_superuser("root@example.com")
    values = {"email": zeb.email, "name": zeb.name, "is_active": "on"}
    assert signed_in(root).post(f"/admin/accounts/user/{zeb.pk}/change/", values).status_code == 302
    membership = Membership.objects.get(team=film, user=zeb)
    values = {"user": str(zeb.pk), "team": str(film.pk), "role": "admin"}
    signed_in(root).post(f"/admin/accounts/membership/{membership.pk}/change/", values)
    mona.user_permissions.set(Permission.objects.all())
    signed_in(mona).post(f"/admin/accounts/user/{zeb.pk}/impersonate/", {"reason": f"Ticket 17 of {NAME}"})
    send_webhooks(zeb, film)


def send_webhooks(zeb: User, film: Team) -> None:
    """What is told of the person, to teams with others and to their own: queued, and answered with their name."""
    alone = Team.objects.get(slug="quux-films")
    for team in (film, alone, zeb.personal_team):
        for format_ in ("standard", "slack"):
            make_endpoint(team, "https://quux.example/", format=format_, description=NAME if team != film else "")
    WebhookEndpoint.objects.filter(team=film).update(url="https://example.com/")
    row = Generation.objects.filter(team=film, is_private=False).first()
    assert row
    add_comment(row, Reviewer(zeb), {"text": "Redder"}, None)
    give_verdict(row, Reviewer(zeb), "approved", "Fine")
    BudgetWarning.objects.create(team=film, user=zeb, month="2026-11-01", percent=50)
    collect.collect()
    key, _token = make_key(zeb, film)
    ApiRequest.objects.create(generation=row, key=key)
    register_fal_webhook(row, "https://zebedee.example/hook")
    collect.collect()
    for delivery in WebhookDelivery.objects.all():
        delivery.attempts.create(number=1, milliseconds=1, response=f"Thanks, {NAME}")


def test_search_finds_what_there_is(zeb: User, film: Team, alice: User, mona: User) -> None:
    live(zeb, film, alice, mona)
    tables = {table for table, _, _ in found()}
    assert {"accounts_user", "accounts_team", "account_emailaddress", "accounts_invitation"} <= tables
    assert {"django_admin_log", "django_session", "usersessions_usersession", "mfa_authenticator"} <= tables
    assert {"socialaccount_socialaccount", "socialaccount_socialtoken", "generations_generation"} <= tables
    assert {"api_webhookendpoint", "api_webhookdelivery", "api_webhookattempt", "api_falwebhook"} <= tables
    assert {"generations_preset", "generations_tag", "generations_collection", "accounts_impersonation"} <= tables


def test_nothing_is_left_of_somebody_who_has_left(zeb: User, film: Team, alice: User, mona: User) -> None:
    live(zeb, film, alice, mona)
    Authenticator.objects.filter(user=zeb).delete()  # to sign in once more by the password
    answer = sure_of(zeb).post("/accounts/delete/")
    assert answer.headers["Location"] == "/"

    assert {(table, column) for table, column, _ in found()} <= KEPT
    assert not Invitation.objects.filter(made_by=zeb).exists()
    assert not UserSession.objects.filter(user=zeb).exists()
    assert LogEntry.objects.filter(object_repr="Former member").exists()
    assert Generation.objects.filter(user=zeb).count() == 4  # the billing records stay
    assert Generation.objects.visible_to(alice).filter(user=zeb, prompt="A fox in the snow").count() == 1


def test_factors_go_too(zeb: User, film: Team, alice: User, mona: User) -> None:
    browser = sure_of(zeb)
    live(zeb, film, alice, mona)
    browser.post("/accounts/delete/")
    assert {(table, column) for table, column, _ in found()} <= KEPT


def test_names_of_others_stay_in_the_log(zeb: User, film: Team, alice: User) -> None:
    """Zed is no part of Zedric."""
    User.objects.filter(pk=zeb.pk).update(name="Zed")
    root = User.objects.create_superuser("root@example.com")
    for text in ("Zed · Film · Admin", "Zedric · Film · Admin"):
        LogEntry.objects.create(user=root, object_repr=text, action_flag=2, change_message=text)
    sure_of(zeb).post("/accounts/delete/")
    texts = list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))
    assert texts == [("Former member · Film · Admin",) * 2, ("Zedric · Film · Admin",) * 2]


def test_every_device_is_signed_out(zeb: User) -> None:
    here, elsewhere, half = sure_of(zeb), sure_of(zeb), Client()
    others = signed_in(User.objects.get(email="alice@example.com"))
    Authenticator.objects.create(user=zeb, type="totp", data={"secret": "x"})
    half.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    here.post("/accounts/delete/")
    assert Session.objects.count() == 1  # of alice
    assert elsewhere.get("/accounts/settings/").status_code == 302
    assert half.get("/accounts/2fa/authenticate/").status_code == 302
    assert others.get("/accounts/settings/").status_code == 200


@pytest.mark.django_db
def test_who_came_by_openid_leaves_without_a_password(provider: Provider) -> None:
    provider.claims |= {"sub": "seventeen-of-the-provider", "email": EMAIL, "name": NAME}
    client, _ = sign_in(provider)
    page = round_trip(client, client.get("/accounts/delete/").headers["Location"])
    assert "This can’t be undone" in page.content.decode()
    assert client.post("/accounts/delete/").headers["Location"] == "/"
    assert found() == []
    assert not SocialAccount.objects.exists()
    again, _ = sign_in(provider)
    assert again.session["_auth_user_id"] == str(User.objects.get(email=EMAIL).pk)


@pytest.mark.django_db(transaction=True)
def test_what_has_run_out_is_deleted(alice: User) -> None:
    signed_in(alice)
    over = Session.objects.create(session_key="over", session_data="", expire_date=timezone.now() - timedelta(days=1))
    cache.set("still counted", 1, 60)
    cache.set("counted before", 1, 60)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cache SET expires = now() - interval '1 minute' WHERE cache_key LIKE '%%before'")
    tasks.sweep()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache WHERE cache_key LIKE '%%counted%%'")
        assert cursor.fetchone() == (1,)
    assert not Session.objects.filter(pk=over.pk).exists()
    assert Session.objects.exists()
