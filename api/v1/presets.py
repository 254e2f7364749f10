"""Presets of the key's person: parameters of the composer under a name."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Path, Query, Router

from accounts.names import fold
from api.v1.callers import MANAGE, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import ProblemError, invalid, of_body
from api.v1.schemas.common import NumberId
from api.v1.schemas.team import PresetIn, PresetOut
from generations.fal.arguments import is_visible
from generations.models import MAX_PRESETS, Preset, TooManyPresetsError

router = Router(tags=["Presets"])
_BY_ID = Keyset("id", kinds=(int,), is_descending=False)


@router.get("", auth=READ_OWN, response=Page[PresetOut], operation_id="listPresets", url_name="v1-presets")
def list_presets(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """The person’s own, in all teams, the oldest first."""
    refuse_unknown(request, PageQuery)
    page, following = _BY_ID.select(Preset.objects.filter(user=caller_of(request).user), query)
    return respond_page(request, page, following, _out)


@router.post("", auth=MANAGE, response={201: PresetOut}, operation_id="savePreset", url_name="v1-presets")
def save_preset(request: HttpRequest, body: PresetIn) -> HttpResponse:
    """New, or in the place of the person’s own of that name, whatever its case."""
    if not is_visible(fold(body.name)):
        raise invalid([of_body("name", _("Nothing of this name can be seen. Choose another one."))])
    values = body.model_dump(exclude={"name"}, exclude_none=True)
    as_typed = {name: str(value) for name, value in values.items()}  # as the composer's form keeps it
    try:
        preset = Preset.objects.save_preset(caller_of(request).user, body.name, as_typed)
    except TooManyPresetsError:
        words = _("You have %d presets. Delete one first.") % MAX_PRESETS
        raise ProblemError(409, words, kind="too-many-presets") from None
    return respond(_out(preset), 201, Location=f"{request.path}/{preset.pk}")


@router.get("/{id}", auth=READ_OWN, response=PresetOut, operation_id="getPreset", url_name="v1-preset")
def get_preset(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002 - the name in the document
    """One of the person’s own."""
    return respond(_out(_get(request, id)))


@router.delete("/{id}", auth=MANAGE, response={204: None}, operation_id="deletePreset", url_name="v1-preset")
def delete_preset(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002
    """For good."""
    _get(request, id).delete()
    return HttpResponse(status=204)


def _get(request: HttpRequest, pk: int) -> Preset:
    return get_object_or_404(Preset, pk=pk, user=caller_of(request).user)


def _out(row: Preset) -> PresetOut:
    return PresetOut(id=row.pk, name=row.name, values=row.values, created_at=row.created_at)
