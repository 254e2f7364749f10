"""Imports: bring a sheet or a folder of pictures, say what its columns are, correct it, and order all of it."""

import uuid
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team
from accounts.rights import rights_of
from accounts.roles import Action
from config.parameters import whole_number
from config.server.limits import PICTURES_BYTES, body_limit
from generations import tasks
from generations.billing.budget import payers_of
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError, TooManyPicturesError
from generations.fal.arguments import InvalidArguments
from generations.forms import read_file
from generations.imports.check import check, urls_of
from generations.imports.columns import Field
from generations.imports.order import order_import
from generations.imports.pictures import clean_file_name
from generations.imports.results import csv_lines, progress_of, results_of
from generations.imports.table import MAX_BYTES, MAX_ROWS
from generations.models import Collection, ImportPicture, OrderImport
from generations.orders.place import save_upload
from generations.orders.rate_limits import refuse_too_many_import_pictures
from generations.pictures import DecoderBusyError
from generations.views.import_forms import PairsForm, SheetForm, mapping_of
from generations.views.keyset import page_of

SHEET_BYTES: Final = 4 * MAX_BYTES  # what is pasted grows on its way, most in other letters than Latin
SHOWN: Final = 100  # wrong rows at once, and right ones
PAGE_SIZE: Final = 50  # imports


@body_limit(SHEET_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def imports(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A POST with a sheet, or with `pictures` for one that is made of them, begins an import."""
    teams = _teams(request)
    form = SheetForm()
    if request.method == "POST":
        form = SheetForm(request.POST, request.FILES)
        if "pictures" in request.POST:
            return redirect(_begin(request, teams, name=_("Pictures")))
        if form.is_valid():
            made = _begin(request, teams, name=form.name, **mapping_of(form.table))
            return redirect("import-columns", made.pk)
    rows = OrderImport.objects.visible_to(request.user).select_related("team", "project").defer("rows")
    before = request.GET.get("before", "")
    page, older = page_of(rows, "created_at", before, PAGE_SIZE)
    context = {"form": form, "imports": page, "older": older, "is_first_page": not before, "most": MAX_ROWS}
    return render(request, "imports/imports.html", context, status=422 if form.errors else 200)


def _teams(request: AuthenticatedHttpRequest) -> list[Team]:
    teams = rights_of(request.user).teams_where_may(Action.GENERATE)
    if not teams:
        raise PermissionDenied
    return teams


def _begin(request: AuthenticatedHttpRequest, teams: list[Team], **columns: Any) -> OrderImport:
    """For the team or the project that the address names, as the composer does."""
    team = next((team for team in teams if team.slug == request.GET.get("team")), teams[0])
    key = whole_number(request.GET.get("project", ""))
    project = Collection.objects.usable_by(request.user).select_related("team").filter(pk=key or 0).first()
    with transaction.atomic():
        payer = project.team if project else team
        made = OrderImport.objects.begin(request.user, team=payer, project=project, **columns)
        ImportPicture.objects.set_urls(made, urls_of(made))  # the page of its columns may be left out
        tasks.wake_import_pictures()
    return made


def _visible(
    request: AuthenticatedHttpRequest, pk: uuid.UUID, rows: QuerySet[OrderImport] | None = None
) -> OrderImport:
    rows = OrderImport.objects.visible_to(request.user).select_related("team", "project") if rows is None else rows
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    found.user = request.user
    return found


def open_import(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> OrderImport:
    """One that the user may change and order."""
    found = _visible(request, pk)
    if not rights_of(request.user).may(Action.GENERATE, found.team_id):
        raise PermissionDenied
    return found


@require_safe
@login_required
def order_import_page(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The sheet with what is wrong in it; once it is ordered, what became of its rows."""
    found = _visible(request, pk, OrderImport.objects.with_pictures(request.user))
    return _results_page(request, found) if found.ordered_at else check_page(request, found)


@require_safe
@login_required
def panel(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """How many pictures are fetched, or videos made. When that is all of them the page is asked for anew."""
    found = _visible(request, pk)
    if found.ordered_at:
        return render(request, "imports/_progress.html", _results_context(request, found))
    context = {"import": found, **_fetching(found)}
    return render(request, "imports/_fetching.html", context)


def _fetching(found: OrderImport) -> dict[str, int]:
    counted = ImportPicture.objects.filter(order_import=found, is_url=True)
    counts = counted.aggregate(urls=Count("pk"), waiting=Count("pk", filter=Q(due_at__isnull=False)))
    return {**counts, "fetched": counts["urls"] - counts["waiting"]}


def check_page(
    request: AuthenticatedHttpRequest, found: OrderImport, refusal: str = "", status: int = 200, **forms: Any
) -> HttpResponse:
    """`forms` are those that come back with errors, and `typed` what was typed and is not saved."""
    checked = check(found)
    payer = next((one for one in payers_of(request.user) if one.team.pk == found.team_id), None)
    project = next((one for one in payer.projects if one.project.pk == found.project_id), None) if payer else None
    wrong, right = checked.wrong, checked.right
    context = {
        "import": found,
        "checked": checked,
        "wrong": wrong[:SHOWN],
        "wrong_count": len(wrong),
        "right": right[:SHOWN],
        "right_count": len(right),
        "right_cents": sum(row.cents for row in right),
        "more_right": max(0, len(right) - SHOWN),
        "payer": payer,
        "project_budget": project.budget if project else None,
        "refusal": refusal,
        "sheet_form": SheetForm(),
        "pairs_form": PairsForm([]),
        **_pictures(found),
        **forms,
    }
    return render(request, "imports/import.html", context, status=status)


def _pictures(found: OrderImport) -> dict[str, Any]:
    rows = found.known_pictures
    urls = [row for row in rows if row.is_url]
    waiting = sum(row.due_at is not None for row in urls)
    files = [row for row in rows if not row.is_url]
    return {
        "files": files,
        "takes_pictures": bool(files or not found.rows or {Field.START, Field.TAIL} & set(found.mapping)),
        "failed": [row for row in urls if row.error],
        "urls": len(urls),
        "waiting": waiting,
        "fetched": len(urls) - waiting,
    }


@body_limit(PICTURES_BYTES)
@require_POST
@login_required
def pictures(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Files `picture`; a script sends one at a time, with its path in the folder as `name`, and gets JSON."""
    found, files = open_import(request, pk), request.FILES.getlist("picture")
    if found.ordered_at or not files:
        return _answer(request, found, [_("Choose pictures.")], 422)
    problems, status = [], 201
    for file in files:
        name = request.POST.get("name") or file.name or ""
        try:
            refuse_too_many_import_pictures(request.user)
            _keep_picture(request, found, clean_file_name(name), file)
        except InvalidArguments as error:
            problems.append(f"{name}: {error.problems[0].message}")
            status = 422
        except TooManyPicturesError as error:
            return _answer(request, found, [*problems, str(error)], 429)
        except (OrderRefusedError, BucketDownError, DecoderBusyError) as error:
            problems.append(f"{name}: {error}")
            status = 422 if isinstance(error, OrderRefusedError) else 503
    return _answer(request, found, problems, status)


def _keep_picture(
    request: AuthenticatedHttpRequest, found: OrderImport, name: str, file: "UploadedFile[bytes]"
) -> None:
    if not name:
        raise OrderRefusedError(_("The picture has no name by which a cell could mean it."))
    ImportPicture.objects.keep(found, name, save_upload(request.user, read_file("picture", file)))


def _answer(request: AuthenticatedHttpRequest, found: OrderImport, problems: list[str], status: int) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", ""):
        headers = {"Retry-After": "20"} if status == 429 else None
        return JsonResponse({"errors": problems}, status=status, headers=headers)
    for problem in problems:
        messages.error(request, problem)
    return redirect(found)


@require_POST
@login_required
def order(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`version`, `cents` and `project` are those of the sheet, the price and who pays it, as the user has seen them."""
    found = open_import(request, pk)
    if found.ordered_at:
        return redirect(found)
    checked = check(found)
    if not checked.is_ready:
        return check_page(request, found, _("Nothing was ordered: correct what is wrong first."), status=422)
    seen = [request.POST.get(name, "") for name in ("version", "cents", "project")]
    if seen != [str(found.version), str(checked.cents), str(found.project_id or "")]:
        why = _("Nothing was ordered: the sheet, its price or its project has changed since this page was shown.")
        return check_page(request, found, why, status=422)
    try:
        made = order_import(checked)
    except (OrderRefusedError, BucketDownError) as error:
        again = _visible(request, pk)
        if again.ordered_at:
            return redirect(again)
        return check_page(request, again, str(error), status=503 if isinstance(error, BucketDownError) else 422)
    tasks.wake()
    message = ngettext("%d video ordered.", "%d videos ordered.", len(made))
    messages.success(request, message % len(made))
    return redirect(found)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    found = _visible(request, pk)
    if request.method == "POST":
        found.delete()
        messages.success(request, _("The import was deleted. Its videos stay."))
        return redirect("imports")
    return render(request, "imports/delete.html", {"import": found})


@require_safe
@login_required
def results(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> StreamingHttpResponse:
    """The sheet as it came, with what became of each row."""
    found = _visible(request, pk)
    if not found.ordered_at:
        raise Http404
    lines = csv_lines(found, results_of(found, request.user))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    stem = found.name.rpartition(".")[0] or found.name
    name = content_disposition_header(as_attachment=True, filename=f"{stem} results.csv")
    response.headers["Content-Disposition"] = name or ""
    return response


def _results_page(request: AuthenticatedHttpRequest, found: OrderImport) -> HttpResponse:
    return render(request, "imports/ordered.html", _results_context(request, found))


def _results_context(request: AuthenticatedHttpRequest, found: OrderImport) -> dict[str, Any]:
    rows = results_of(found, request.user)
    at = found.mapping.index(Field.PROMPT) if Field.PROMPT in found.mapping else None
    shown = [(row, row.cells[at] if at is not None else "") for row in rows]
    return {"import": found, "results": shown, "progress": progress_of(rows)}
