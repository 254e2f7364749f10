"""Presets of the key's person and of its team: parameters of the composer under a name."""

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Path, Query, Router

from accounts.names import fold
from api.v1.callers import MANAGE, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import ProblemError, invalid, of_body
from api.v1.schemas.common import NumberId, person
from api.v1.schemas.team import PresetIn, PresetOut
from generations.fal.arguments import is_visible
from generations.models import Preset, TooManyPresetsError
from generations.prompt_fields import VALUES_PREFIX

router = Router(tags=["Presets"])
_BY_ID = Keyset("id", kinds=(int,), is_descending=False)


@router.get("", auth=READ_OWN, response=Page[PresetOut], operation_id="listPresets", url_name="v1-presets")
def list_presets(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """The person’s own, which are theirs in all teams, and those of the key’s team, the oldest first."""
    refuse_unknown(request, PageQuery)
    page, following = _BY_ID.select(_visible(request), query)
    return respond_page(request, page, following, _out)


@router.post("", auth=MANAGE, response={201: PresetOut}, operation_id="savePreset", url_name="v1-presets")
def save_preset(request: HttpRequest, body: PresetIn) -> HttpResponse:
    """New, or a new version of the one of that name, whatever its case: of the person’s own, or of the team’s."""
    if not is_visible(fold(body.name)):
        raise invalid([of_body("name", _("Nothing of this name can be seen. Choose another one."))])
    values = body.model_dump(exclude={"name", "scope", "variables"}, exclude_none=True)
    as_typed = {name: str(value) for name, value in values.items()}  # as the composer's form keeps it
    as_typed |= {f"{VALUES_PREFIX}{name}": "\n".join(texts) for name, texts in body.variables.items()}
    caller = caller_of(request)
    team = caller.team if body.scope == "team" else None
    try:
        preset = Preset.objects.save_preset(caller.user, body.name, as_typed, team)
    except TooManyPresetsError as error:
        words = _("There are %d presets. Delete one first.") % error.most
        raise ProblemError(409, words, kind="too-many-presets") from None
    return respond(_out(preset), 201, Location=f"{request.path}/{preset.pk}")


@router.get("/{id}", auth=READ_OWN, response=PresetOut, operation_id="getPreset", url_name="v1-preset")
def get_preset(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002 - the name in the document
    """One of the person’s own, or of the key’s team."""
    return respond(_out(_get(request, id)))


@router.delete("/{id}", auth=MANAGE, response={204: None}, operation_id="deletePreset", url_name="v1-preset")
def delete_preset(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002
    """For good, with its earlier versions. A team’s is deleted by its maker, and by who manages the team."""
    preset = _get(request, id)
    if not preset.may_be_deleted_by(caller_of(request).user):
        raise PermissionDenied
    preset.delete()
    return HttpResponse(status=204)


def _get(request: HttpRequest, pk: int) -> Preset:
    return get_object_or_404(_visible(request), pk=pk)


def _visible(request: HttpRequest) -> QuerySet[Preset]:
    caller = caller_of(request)
    return Preset.objects.visible_to(caller.user).filter(Q(team=None) | Q(team=caller.team))


def _out(row: Preset) -> PresetOut:
    return PresetOut(
        id=row.pk,
        name=row.name,
        scope="team" if row.team_id else "personal",
        values=row.values,
        made_by=person(row.user),
        version=row.version,
        changed_by=person(row.version_by),
        changed_at=row.version_at,
        uses=row.uses,
        created_at=row.created_at,
    )
