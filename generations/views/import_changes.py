"""What is written into an import before it is ordered: what its columns are, corrected cells, another sheet.

Each form names the version of the sheet that it was made of. What comes for another one is refused, and shown again.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from config.server.limits import body_limit
from generations import tasks
from generations.imports.check import urls_of
from generations.imports.columns import letters
from generations.imports.table import TableError, refuse_large
from generations.models import ImportPicture, OrderImport
from generations.views.import_forms import ColumnsForm, PairsForm, SheetForm, carried_mapping, mapping_of
from generations.views.imports import SHEET_BYTES, check_page, open_import

_CELL: Final = re.compile(r"cell-([0-9]{1,9})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Typed:
    """Something that was typed and is not saved: where, and what."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A corrected one; the row as the sheet counts, from 1, the column from 0."""

    row: int
    column: int
    value: str

    @property
    def typed(self) -> Typed:
        place = {"row": self.row, "column": letters(self.column)}
        return Typed(_("Row %(row)d, column %(column)s") % place, self.value)

    def is_in(self, rows: Sequence[Sequence[str]]) -> bool:
        return 1 <= self.row <= len(rows) and self.column < len(rows[self.row - 1])

    def is_saved_in(self, rows: Sequence[Sequence[str]]) -> bool:
        return self.is_in(rows) and rows[self.row - 1][self.column] == self.value


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def columns(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    found = open_import(request, pk)
    if found.ordered_at or not found.rows:
        return redirect(found)
    if request.method != "POST":
        return _columns_page(request, found, ColumnsForm(request.user, found))
    form = ColumnsForm(request.user, found, request.POST)
    if _is_of(request, found):
        if not form.is_valid():
            return _columns_page(request, found, form, status=422)
        if _save(request, found, form.columns()):
            return redirect(found)
    now = open_import(request, pk)
    form = ColumnsForm(request.user, now, _with_columns_of(now, request.POST))
    words = _("The sheet was changed in another tab meanwhile. Nothing was saved: look at its columns as they are now.")
    form.add_error(None, words)
    return _columns_page(request, now, form, status=409)


def _columns_page(
    request: AuthenticatedHttpRequest, found: OrderImport, form: ColumnsForm, status: int = 200
) -> HttpResponse:
    return render(request, "imports/columns.html", {"import": found, "form": form}, status=status)


def _with_columns_of(found: OrderImport, data: QueryDict) -> QueryDict:
    """What was said of the columns of another sheet says nothing of these; the rest stays."""
    again = data.copy()
    for index, field in enumerate(found.mapping):
        again[f"column-{index}"] = field
    return again


def _is_of(request: AuthenticatedHttpRequest, found: OrderImport) -> bool:
    """Whether the form was made of the sheet as it is."""
    return request.POST.get("version") == str(found.version)


@transaction.atomic
def _save(request: AuthenticatedHttpRequest, found: OrderImport, values: dict[str, Any]) -> bool:
    """Whether the form was of the sheet as it is. The pictures that it names by address are then fetched."""
    if not _is_of(request, found) or not found.change(**values):
        return False
    ImportPicture.objects.set_urls(found, urls_of(found))
    tasks.wake_import_pictures()
    return True


@body_limit(SHEET_BYTES)
@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`verb` is `cells`: corrected ones by `cell-<row>-<column>`, `sheet`: a corrected file or paste, `pairs`: rows
    for the pictures that were uploaded, or `fetch`: try addresses once more that gave no picture.
    """
    found, verb = open_import(request, pk), request.POST.get("verb", "")
    if verb not in {*_CHANGES, "fetch"}:
        raise BadRequest("No such verb.")
    if found.ordered_at:
        return _stale(request, found)
    if verb in _CHANGES:
        return _CHANGES[verb](request, found)
    ImportPicture.objects.retry(found)
    tasks.wake_import_pictures()
    return redirect(found)


def _correct(request: AuthenticatedHttpRequest, found: OrderImport) -> HttpResponse:
    cells = list(_cells(request.POST))
    typed = [cell.typed for cell in cells if not cell.is_saved_in(found.rows)]
    if not typed:  # the same press twice
        return redirect(found)
    if not _is_of(request, found):
        return _stale(request, found, typed=typed)
    if not all(cell.is_in(found.rows) for cell in cells):
        raise BadRequest("No such cell.")
    rows = [list(row) for row in found.rows]
    for cell in cells:
        rows[cell.row - 1][cell.column] = cell.value
    try:
        refuse_large(rows)
    except TableError as error:
        return check_page(request, found, _("Nothing was saved. %s") % error, status=422, typed=typed)
    return redirect(found) if _save(request, found, {"rows": rows}) else _stale(request, found, typed=typed)


def _cells(data: QueryDict) -> Iterator[Cell]:
    for name, value in data.items():
        if not name.startswith("cell-"):
            continue
        place = _CELL.fullmatch(name)
        if place is None:
            raise BadRequest("No such cell.")
        yield Cell(int(place[1]), int(place[2]), str(value).replace("\0", "").replace("\r\n", "\n"))


def _stale(request: AuthenticatedHttpRequest, found: OrderImport, **forms: Any) -> HttpResponse:
    """The sheet as it is now, with what was typed."""
    now = open_import(request, found.pk)
    if now.ordered_at:
        messages.warning(request, _("It was ordered in another tab meanwhile. Nothing was changed in it."))
        return redirect(now)
    why = _("The sheet was changed in another tab meanwhile. Nothing was saved: this is the sheet as it is now.")
    return check_page(request, now, why, status=409, **forms)


def _pair(request: AuthenticatedHttpRequest, found: OrderImport) -> HttpResponse:
    names = ImportPicture.objects.filter(order_import=found, is_url=False).values_list("name", flat=True)
    form = PairsForm(names, request.POST)
    if not form.is_valid():
        return check_page(request, found, status=422, pairs_form=form)
    if _save(request, found, form.columns()):
        return redirect(found)
    prompt = form.cleaned_data["prompt"]
    return _stale(request, found, typed=[Typed(str(form["prompt"].label), prompt)] if prompt else [])


def _replace(request: AuthenticatedHttpRequest, found: OrderImport) -> HttpResponse:
    form = SheetForm(request.POST, request.FILES)
    if not form.is_valid():
        return check_page(request, found, status=422, sheet_form=form)
    is_known = bool(found.mapping)
    if not _save(request, found, carried_mapping(found, form.table) if is_known else mapping_of(form.table)):
        return _stale(request, found, sheet_form=form)
    return redirect(found) if is_known else redirect("import-columns", found.pk)


_CHANGES: Final = {"cells": _correct, "sheet": _replace, "pairs": _pair}
