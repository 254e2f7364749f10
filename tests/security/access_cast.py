"""Who asks in `test_access`, and what there is to ask for: bob's things in the team Film, and one row of each model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from accounts import invitations
from accounts.models import Impersonation, Membership, Team, User
from accounts.roles import Role
from api.models import ApiRequest, Key, Scope
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.flows.remove_member import remove_member
from generations.models import (
    Appeal,
    BannedFile,
    BulkDecision,
    Cause,
    Collection,
    Decision,
    DecisionKind,
    EndpointSwitch,
    Film,
    Flag,
    Generation,
    Hold,
    LibraryPicture,
    OrderImport,
    Preset,
    PromptRule,
    Report,
    Shot,
    Status,
    Tag,
    UsageDay,
)
from generations.moderation.cases import open_case
from sharing.links import LinkOptions, share_videos
from sharing.models import ShareLink
from sharing.review import Reviewer, add_comment
from tests.api.webhook_cast import make_endpoint, queued
from tests.cast import (
    make_generation,
    make_input_picture,
    make_library_picture,
    make_upload,
    make_video,
    picture,
    signed_in,
)
from tests.generations.films.cast import film_of, join_due
from tests.generations.imports.cast import make_import
from tests.security.addresses import VALUES, Address, addresses

PASSWORD: Final = "a fox in the snow"


@dataclass(frozen=True)
class Things:
    """What bob has made in the team Film, and what others have to do with it."""

    film: Team
    bob: User
    generation: Generation
    ids: dict[str, Any]  # by the name of an address, in the place of its argument
    objects: dict[str, Model]  # by the name of a model, for the admin
    queries: dict[str, str]
    others: dict[str, dict[str, Any]]

    def path(self, address: Address) -> str:
        """The address with the things in the places of its arguments, and what it has to be asked with."""
        model = "_".join(address.name.split("_")[:2])
        if address.route.endswith("<path:object_id>/"):
            model = "_".join(address.route.split("/")[1:3])
        own = self.objects.get(model)
        values = VALUES | {"pk": self.generation.pk, "id": own and own.pk, "object_id": own.pk if own else 1}
        if address.name in self.ids:
            values |= dict.fromkeys(("pk", "id", "token"), self.ids[address.name])
        values |= {"version": "abc", "what": "poster"} | self.others.get(address.name, {})
        return address.path(values) + self.queries.get(address.name, "")


def make_things(film: Team, alice: User, bob: User, mallory: User) -> Things:
    generation = _generation(film, bob)
    row = make_generation(bob, film, Status.DONE, batch=generation.pk)
    make_video(row)
    zoe = person("zoe", film, Role.MEMBER)
    _, token = invitations.invite(film, alice, Role.MEMBER)
    invitation, _ = invitations.invite(film, alice, Role.MEMBER, email=mallory.email)
    key = Authenticator.objects.create(user=bob, type=Authenticator.Type.WEBAUTHN, data=passkey_data())
    ids: dict[str, Any] = dict.fromkeys(("team-remove", "team-member"), zoe.pk)
    ids |= dict.fromkeys(("invitation-accept", "team-invitation"), invitation.pk)
    ids |= dict.fromkeys(("avatar", "generations_decision_person", "auth_user_password_change"), bob.pk)
    ids |= {"preset-delete": Preset.objects.create(user=bob, name="Foxes", values={}).pk, "invitation-link": token}
    shared = Preset.objects.create(user=bob, team=film, name="Foxes of the team", values={})
    ids |= dict.fromkeys(("preset", "preset-bring-back"), shared.pk)
    ids |= {"upload": make_upload(bob).pk}
    ids |= dict.fromkeys(("mfa_remove_webauthn", "mfa_edit_webauthn"), key.pk)
    ids |= {"tag-change": Tag.objects.create(team=film, name="Snow").pk}
    ids |= {"collection-change": Collection.objects.create(team=film, name="Foxes").pk}
    of_project = [one.name for one in addresses() if one.route.startswith("projects/<")]
    ids |= dict.fromkeys(of_project, ids["collection-change"])
    ids |= dict.fromkeys(("shot", "shot-takes"), _shot(ids["collection-change"], row).pk)
    joined = _film(bob, row)
    ids |= dict.fromkeys((one.name for one in addresses() if one.route.startswith("films/<")), joined.pk)
    in_library = [one.name for one in addresses() if one.route.startswith("library/<")]
    ids |= dict.fromkeys(in_library, make_library_picture(bob, film).pk)
    ids |= _imports(film, bob)
    objects = _objects(film, alice, bob, generation) | {"generations_film": joined}
    objects["generations_shot"] = Shot.objects.get(pk=ids["shot"])
    objects["generations_librarypicture"] = LibraryPicture.objects.get(pk=ids["library-picture"])
    objects["generations_orderimport"] = OrderImport.objects.get(pk=ids["import"])
    ids["account-session-end"] = objects["usersessions_usersession"].pk
    ids["generations_case_bulk_progress"] = objects["generations_bulkdecision"].pk
    queries = {"compare": f"?ids={generation.pk},{row.pk}", "queue-positions": f"?ids={generation.pk}"}
    queries |= dict.fromkeys(("events", "ended"), "?since=0") | {"storyboard-generate": "?missing"}
    link, others = _share(bob, generation)
    ids |= dict.fromkeys(("share-link", "share-link-act"), link.pk)
    comment = add_comment(generation, Reviewer(bob), {"text": "Redder"}, None)
    ids["comment"] = comment.pk
    objects |= {"sharing_sharelink": link, "sharing_comment": comment}
    endpoint = make_endpoint(film, "https://example.com/hook")
    ids |= dict.fromkeys(("webhook", "webhook-edit", "webhook-act", "webhook-delivery"), endpoint.pk)
    others["webhook-delivery"] = {"message": queued(endpoint).pk}
    ids |= _ids_of_api(ids, generation, link, joined)
    objects["api_key"] = script = Key(user=bob, team=film, name="A script", scopes=[Scope.READ])
    script.save_with_token()
    ids |= dict.fromkeys(("key", "key-revoke"), script.pk)
    objects["api_apirequest"] = ApiRequest.objects.create(generation=generation, key=script)
    queries |= dict.fromkeys(("share-link-new", "film-new"), f"?ids={generation.pk}")
    kind = ContentType.objects.get_for_model(generation).pk
    others["view_on_site"] = {"content_type_id": kind, "object_id": generation.pk}
    return Things(film, bob, generation, ids, objects, queries, others)


def _shot(project: int, row: Generation) -> Shot:
    """Of a video, in the storyboard of the project."""
    [shot] = Shot.objects.append(Collection.objects.get(pk=project), [Shot(prompt="A fox")])
    Generation.objects.filter(pk=row.pk).update(shot=shot)
    return shot


def _film(bob: User, row: Generation) -> Film:
    """Joined, of one video."""
    film = film_of(bob, [row])
    join_due()
    film.refresh_from_db()
    return film


def _imports(film: Team, bob: User) -> dict[str, Any]:
    """One that waits, and for its results one that is ordered."""
    waiting = make_import(bob, film, "A fox,,,,,,snow,,", "A bear,,7,,https://example.com/a.png,,,,")
    ordered = make_import(bob, film, "A fox,,,,,,,,", ordered_at=timezone.now())
    names = [one.name for one in addresses() if one.route.startswith("import/<")]
    return dict.fromkeys(names, waiting.pk) | {"import-results": ordered.pk}


def _ids_of_api(ids: dict[str, Any], generation: Generation, link: ShareLink, film: Film) -> dict[str, Any]:
    """In the addresses of `api.v1`, whose names begin with what they are of."""
    own = {"v1-generation": generation.pk, "v1-comment": ids["comment"], "v1-share": link.pk}
    own |= {"v1-batch": generation.pk, "v1-preset": ids["preset-delete"]}
    own |= {"v1-film": film.pk, "v1-tag": ids["tag-change"], "v1-collection": ids["collection-change"]}
    own |= {"v1-shot": ids["shot"], "v1-library-picture": ids["library-picture"]}
    names = {one.name for one in addresses() if "<uuid:id>" in one.route or "<id>" in one.route}
    found = {name: pk for name in names for start, pk in own.items() if name == start or name.startswith(f"{start}-")}
    empty = Collection.objects.create(team=generation.team, name="Empty")  # one with shots can't be deleted
    return found | {"v1-collection": empty.pk}


def _share(bob: User, generation: Generation) -> tuple[ShareLink, dict[str, dict[str, Any]]]:
    """A link of bob's, and its token for all addresses below it."""
    options = LinkOptions("Teaser", days=7, allows_download=True, allows_comments=True)
    link, token = share_videos(bob, [generation], options)
    public = [one.name for one in addresses() if one.route.startswith("share/")]
    return link, {name: {"token": token} for name in public}


def _generation(film: Team, bob: User) -> Generation:
    """With all that is shown of one in the bucket, and the picture of who made it."""
    generation = make_generation(bob, film, Status.DONE)
    video = make_video(generation)
    video.preview_key = generation.preview_key
    video.save(update_fields=["preview_key"])
    bucket.put(video.preview_key, b"preview", "video/mp4")
    make_input_picture(generation)
    bob.avatar_key = f"avatars/{bob.pk}/abc.webp"
    bob.save(update_fields=["avatar_key"])
    bucket.put(bob.avatar_key, picture("WEBP"), "image/webp")
    return generation


def passkey_data() -> dict[str, Any]:
    """What allauth keeps of a passkey that was registered in a browser."""
    key = generate_private_key(SECP256R1()).public_key()
    public = ES256.from_cryptography_key(key)  # type: ignore[no-untyped-call]
    credential = AttestedCredentialData.create(bytes(16), b"key", public)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    attestation = AttestationObject.create("none", AuthenticatorData.create(bytes(32), flags, 0, credential), {})
    client_data = CollectedClientData.create("webauthn.create", b"challenge", "http://testserver")
    response = {"clientDataJSON": client_data.b64, "attestationObject": websafe_encode(attestation)}
    identity = {"id": websafe_encode(b"key"), "rawId": websafe_encode(b"key"), "type": "public-key"}
    return {"name": "Key", "credential": identity | {"response": response, "clientExtensionResults": {}}}


def _objects(film: Team, alice: User, bob: User, generation: Generation) -> dict[str, Model]:
    """A row of each model of the admin."""
    now = timezone.now()
    case = open_case(generation, Cause.REPORT)
    decision = Decision.objects.create(kind=DecisionKind.WARN, by=alice, why="x", person=bob, generation=generation)
    made = [
        *(bob, film, generation, case, decision),
        Appeal.objects.create(decision=decision, by=bob, text="x"),
        Report.objects.create(generation=generation, reporter=alice, reason="hate"),
        Hold.objects.create(generation=generation, kind=Hold.Kind.RULE, reason="x", verdict="released", decided_at=now),
        Flag.objects.create(generation=generation, matched_text="x"),
        BannedFile.objects.create(sha256="0" * 64, reason="x"),
        BulkDecision.objects.create(kind=DecisionKind.APPROVE, by=alice, cases=[], total=1),
        PromptRule.objects.create(text="engines"),
        EndpointSwitch.objects.create(endpoint=Endpoint.DRAFT_IMAGE_TO_VIDEO),
        Impersonation.objects.create(staff=alice, person=bob, reason="x", until=now, ended_at=now),
        UsageDay.objects.create(day=date(2026, 11, 1), our_videos=0, our_cents=0, our_units=0),
        Group.objects.create(name="Editors"),
        EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True),
        SocialAccount.objects.create(user=bob, provider="oidc", uid="17"),
        UserSession.objects.create(user=bob, session_key="x", ip="10.0.0.1", user_agent="x"),
    ]
    firsts = ["accounts.membership", "mfa.authenticator", "generations.price", "generations.upload"]
    firsts += ["generations.video", "generations.event", "generations.inputpicture"]
    found = [*made, *(apps.get_model(name)._default_manager.first() for name in firsts)]
    return {f"{row._meta.app_label}_{row._meta.model_name}": row for row in found if row}


def person(name: str, team: Team | None = None, role: Role = Role.MEMBER, **fields: Any) -> User:
    user = User.objects.create_user(f"{name}@example.com", name=name.title(), **fields)
    if team:
        Membership.objects.create(team=team, user=user, role=role)
    return user


def _removed(things: Things) -> User:
    rhea = person("rhea", things.film, Role.ADMIN)
    remove_member(things.film, rhea, User.objects.get(name="Alice"))
    return rhea


def _suspended(things: Things) -> User:
    until = timezone.now() + timedelta(days=1)
    return person("sam", things.film, Role.OWNER, suspended_until=until, suspension_reason="x")


def _viewing(things: Things) -> User:
    mona = person("mona", is_staff=True)
    mona.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return mona


def _moderator(things: Things) -> User:
    mo = person("mo", is_staff=True)
    mo.groups.add(Group.objects.get(name="Moderators"))
    return mo


def _superuser(things: Things) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


def _all_permissions(things: Things) -> User:
    max_ = person("max", is_staff=True)
    max_.user_permissions.set(Permission.objects.all())
    return max_


def _browser(user: User) -> Client:
    """Signed in an hour ago; staff have shown their second factor then."""
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    record: dict[str, Any] = {"method": "password", "at": time.time() - 3600}
    if user.is_staff:
        Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
        record = {"method": "mfa", "type": "totp", "at": time.time() - 3600}
    client = signed_in(user)
    session = client.session
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def _named(name: str) -> Callable[[Things], User]:
    return lambda _: User.objects.get(name=name)


PEOPLE: Final[dict[str, Callable[[Things], User]]] = {
    "outsider": _named("Mallory"),
    "viewer": _named("Victor"),
    "maker": _named("Bob"),
    "admin": lambda things: person("ada", things.film, Role.ADMIN),
    "owner": _named("Alice"),
    "removed": _removed,
    "suspended": _suspended,
    "viewing": _viewing,
    "moderator": _moderator,
    "superuser": _superuser,
    "acting": _all_permissions,
}


def browser_of(role: str, things: Things) -> Client:
    """Nobody's, or that of the role's person; who is acting acts as bob."""
    if role == "nobody":
        return Client()
    client = _browser(PEOPLE[role](things))
    if role == "acting":
        answer = client.post(
            f"/admin/accounts/user/{things.bob.pk}/impersonate/", {"reason": "Ticket 17: his video does not play"}
        )
        assert answer.headers["Location"] == "/"
    return client
