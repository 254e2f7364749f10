"""The team of the key, and who is in it."""

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router

from accounts.models import Membership
from accounts.rights import rights_of
from api.authentication import Caller
from api.v1.callers import READ, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.schemas.common import money, person
from api.v1.schemas.team import KeyOut, MemberOut, RoleName, TeamOut

router = Router(tags=["Teams"])
_BY_ID = Keyset("id", kinds=(int,), is_descending=False)


@router.get("", auth=READ_OWN, response=Page[TeamOut], operation_id="listTeams", url_name="v1-teams")
def list_teams(request: HttpRequest) -> HttpResponse:
    """One: a key acts in its own team. With what the key may do."""
    refuse_unknown(request)
    return respond_page(request, [caller_of(request)], None, _team_out)


@router.get("/{slug:slug}", auth=READ_OWN, response=TeamOut, operation_id="getTeam", url_name="v1-team")
def get_team(request: HttpRequest, slug: str) -> HttpResponse:
    """With what the key may do there."""
    return respond(_team_out(_caller_in(request, slug)))


@router.get(
    "/{slug:slug}/members", auth=READ, response=Page[MemberOut], operation_id="listMembers", url_name="v1-members"
)
def list_members(request: HttpRequest, slug: str, query: Query[PageQuery]) -> HttpResponse:
    """Who is in the team, and as what; the earliest members first."""
    refuse_unknown(request, PageQuery)
    rows = Membership.objects.filter(team=_caller_in(request, slug).team).select_related("user")
    page, following = _BY_ID.select(rows, query)
    return respond_page(request, page, following, _member_out)


def _caller_in(request: HttpRequest, slug: str) -> Caller:
    caller = caller_of(request)
    if caller.team.slug != slug:
        raise Http404
    return caller


def _team_out(caller: Caller) -> TeamOut:
    team = caller.team
    (membership,) = rights_of(caller.user).memberships
    return TeamOut(
        id=team.pk,
        slug=team.slug,
        name=team.name,
        role=RoleName(membership.role),
        is_personal=team.personal_of_id is not None,
        is_private=team.is_private,
        key=_key_out(caller),
    )


def _key_out(caller: Caller) -> KeyOut:
    key = caller.key
    limit = key.monthly_limit_cents
    return KeyOut(
        id=key.pk,
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        monthly_limit=None if limit is None else money(limit),
        person=person(caller.user),
    )


def _member_out(row: Membership) -> MemberOut:
    return MemberOut(
        id=row.user.pk,
        name=str(row.user),
        email=row.user.email,
        role=RoleName(row.role),
        joined_at=row.created_at,
    )
