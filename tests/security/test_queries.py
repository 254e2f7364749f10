"""No page of the studio asks the database more than eight times, whatever there is to show.

Staff's pages are left out: the admin reads each person's rights, logs and histories besides.
"""

import uuid
from time import time
from typing import Final

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts import invitations
from accounts.models import FormerMembership, Impersonation, Membership, Team, User
from accounts.roles import Role
from api.models import Key, Scope, WebhookDelivery, WebhookEndpoint
from generations.fal.arguments import Endpoint
from generations.models import (
    Collection,
    Draft,
    Event,
    Favourite,
    Generation,
    Hold,
    Preset,
    Shot,
    Slot,
    Status,
    SubmitPause,
    Tag,
    TeamPause,
)
from sharing.review import Reviewer, add_comment, give_verdict
from tests.api.webhook_cast import make_endpoint, queued
from tests.cast import make_generation, make_input_picture, make_upload, make_video, signed_in
from tests.security.access_cast import Things, browser_of, person
from tests.security.addresses import Address
from tests.security.test_access import ADDRESSES, ROLES, TABLE, things

MOST: Final = 8
OF_STAFF: Final = ("admin/", "django-rq/")
NO_PAGES: Final = {"healthz", "readyz", "metrics"}
SHOWN: Final = {200, 410}
__all__ = ["things"]  # a fixture


def _add_people(film: Team, alice: User, name: str) -> User:
    """A member of the team, one who was invited by mail, and a link."""
    member = person(name, film, Role.MEMBER)
    invitations.invite(film, alice, Role.MEMBER, email=f"{name}-too@example.com")
    invitations.invite(film, alice, Role.VIEWER)
    return member


def _add_teams(user: User, name: str) -> None:
    """One that the user is in, and one that they have left."""
    own, left = (Team.objects.create(name=f"{name} {kind}", slug=f"{name}-{kind}") for kind in ("own", "left"))
    Membership.objects.create(team=own, user=user, role=Role.ADMIN, monthly_limit_cents=5000)
    FormerMembership.objects.create(team=left, user=user)
    make_generation(user, left, Status.DONE, is_private=True)


def _add_webhooks(film: Team) -> None:
    """Another endpoint, another delivery of each, and another attempt of each delivery."""
    make_endpoint(film, "https://example.com/hook")
    for endpoint in WebhookEndpoint.objects.all():
        queued(endpoint)
    for delivery in WebhookDelivery.objects.all():
        delivery.attempts.create(number=delivery.attempts.count() + 1, milliseconds=5, error="No answer")


def _add_generations(film: Team, user: User, row: Generation, name: str) -> None:
    """Of every status, and around `row` whatever a page shows of it."""
    for status in Status:
        made = make_generation(user, film, status, parent=row, batch=row.batch)
        Favourite.objects.toggle(user, made)
        Tag.objects.add_to([made, row], f"{name} {status}")
        Collection.objects.assign([made], f"{name} {status}")
    make_input_picture(make_generation(user, film, Status.FAILED, endpoint=Endpoint.IMAGE_TO_VIDEO))
    make_video(make_generation(user, film, Status.DONE, trashed_at=timezone.now()))
    make_video(make_generation(user, film, Status.DONE, taken_down_at=timezone.now()))
    held = make_generation(user, film, Status.HELD, batch=uuid.uuid4())
    Hold.objects.create(generation=held, kind=Hold.Kind.APPROVAL, reason="x")
    root = add_comment(row, Reviewer(user), {"text": f"Redder, @{user.name}"}, None)
    add_comment(row, Reviewer(user), {"text": "Yes"}, root)
    give_verdict(row, Reviewer(user), "approved", name)
    make_video(made)
    [shot, _blank] = Shot.objects.append(Collection.objects.get(name="Foxes"), [Shot(prompt=name), Shot()])
    Generation.objects.filter(pk=made.pk).update(shot=shot)
    Event.objects.bulk_create(Event(generation=row, status=Status.QUEUED, by=user, message=name) for _ in range(3))


def add_rows(things: Things, name: str) -> None:
    """One more of each thing that a page may list."""
    film, alice = things.film, User.objects.get(name="Alice")
    member = _add_people(film, alice, name)
    _add_webhooks(film)
    for user in (alice, things.bob):
        _add_teams(user, f"{name}-{user.name.lower()}")
        _add_generations(film, user, things.generation, name)
        Draft.objects.create(user=user, key=uuid.uuid4(), values={"prompt": name}, start=make_upload(user))
        Preset.objects.create(user=user, name=name, values={})
        for prompt in ("One", name):
            Preset.objects.save_preset(user, f"{name} of {user.name}", {"prompt": prompt}, film)
        Preset.objects.save_preset(user, "Foxes of the team", {"prompt": f"{name} of {user.name}"}, film)
        Key(user=user, team=film, name=name, scopes=[Scope.READ]).save_with_token()
        now = timezone.now()
        Impersonation.objects.create(staff=member, person=user, reason=name, until=now, ended_at=now)


@pytest.fixture
def rich(things: Things) -> Things:
    """The video's page shows all that it can."""
    row = things.generation
    parent = make_generation(things.bob, things.film, Status.DONE, parent=make_generation(things.bob, things.film))
    Generation.objects.filter(pk=row.pk).update(parent=parent, relation="remix", batch=row.pk)
    make_input_picture(row, Slot.TAIL)
    Team.objects.filter(pk=things.film.pk).update(monthly_limit_cents=100_000, approval_above_cents=1)
    Membership.objects.filter(team=things.film).update(monthly_limit_cents=50_000)
    SubmitPause.objects.begin_or_extend("balance_exhausted", "The balance is exhausted.")
    TeamPause.objects.create(team=things.film, began_by=things.bob, note="Wait.")
    add_rows(things, "first")
    return things


def _pages() -> list[Address]:
    """Every address that shows something to somebody who is no staff, by the table of who gets what."""
    people = slice(0, ROLES.index("removed"))
    found = [one for one in ADDRESSES if not one.route.startswith(OF_STAFF) and one.name not in NO_PAGES]
    return [one for one in found if {"200", "again"}.intersection(TABLE[one.name, "GET"][people])]


def _paths(things: Things) -> dict[str, str]:
    """Each page, and the video's page in every status."""
    pages = {one.name: things.path(one) for one in _pages()}
    rows = Generation.objects.filter(team=things.film, user=things.bob, trashed_at=None).order_by("pk")
    videos = {f"generation, {row.status}, {row.taken_down_at}": row.get_absolute_url() for row in rows}
    return (
        pages
        | videos
        | {
            "gallery of the team": "/?team=film",
            "gallery, narrowed": "/?team=film&status=done&q=fox&order=oldest&since=2026-01-01",
            "video, narrowed": f"{things.generation.get_absolute_url()}?team=film&status=done",
        }
    )


def _signed_in_again(user: User) -> Client:
    """Just now, so that no page asks for it."""
    client = signed_in(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "x", "at": time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def _clients(things: Things) -> list[Client]:
    """Who between them get every page: nobody, bob with a passkey, the owner with other factors, one of a provider."""
    alice, mallory = (User.objects.get(name=name) for name in ("Alice", "Mallory"))
    for kind in ("totp", "recovery_codes"):
        data = {"secret": "x", "seed": "x", "used_mask": 0}
        Authenticator.objects.create(user=alice, type=kind, data=data)
    mallory.set_unusable_password()
    mallory.save(update_fields=["password"])
    SocialAccount.objects.create(user=mallory, provider="oidc", uid="18")
    bob, stranger = (_signed_in_again(user) for user in (things.bob, mallory))
    return [browser_of("nobody", things), browser_of("owner", things), bob, stranger, signed_in(mallory)]


def _measure(client: Client, paths: dict[str, str]) -> dict[str, list[str]]:
    """What is asked of the database for each page that the client gets, without the bounds of transactions."""
    found = {}
    for name, path in paths.items():
        with CaptureQueriesContext(connection) as queries:
            status = client.get(path).status_code
        if status in SHOWN:
            texts = [query["sql"][:140] for query in queries]
            found[name] = [text for text in texts if not text.startswith(("SAVEPOINT", "RELEASE"))]
    return found


def test_page_asks_eight_times_at_most_however_many_rows_there_are(rich: Things, settings: Settings) -> None:
    app = {"provider_id": "oidc", "name": "Acme", "client_id": "x", "secret": "x", "settings": {"server_url": "x"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    paths = _paths(rich)
    of_provider = {name: paths[name] for name in ("account_set_password", "openid-reauthenticate")}
    asked = [(client, paths if number < 3 else of_provider) for number, client in enumerate(_clients(rich))]
    for client, _ in asked:  # what is noted or remembered the first time
        for name in ("gallery", "generation", "invitation-link"):
            client.get(paths[name])

    few = [_measure(*one) for one in asked]
    add_rows(rich, "second")
    add_rows(rich, "third")
    many = [_measure(*one) for one in asked]

    assert {name for found in many for name in found} == set(paths)
    queries = {(number, name): texts for number, found in enumerate(many) for name, texts in found.items()}
    assert {key: texts for key, texts in queries.items() if len(texts) > MOST} == {}
    assert {(n, name): texts for (n, name), texts in queries.items() if len(texts) > len(few[n][name])} == {}
