"""What moderators say among themselves about a case, and handing it over to another of them."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from generations.models import Case, CaseNote, moderators
from generations.moderation.decisions import DecisionError, require_moderator


def colleagues(case: Case, by: User) -> QuerySet[User]:
    """To whom the case can be handed: who moderates now, and whose work it is not."""
    theirs = [key for key in (by.pk, case.generation.user_id, case.generation.assigned_to_id) if key]
    return moderators().exclude(pk__in=theirs).order_by("email")


def add_note(case: Case, by: User, text: str) -> CaseNote:
    """Staff alone read it, also once the case is closed."""
    require_moderator(by)
    if not text:
        raise DecisionError(_("Write a note."))
    return CaseNote.objects.create(case=case, by=by, text=text)


@transaction.atomic
def hand_over(case: Case, by: User, to: User | None, text: str) -> CaseNote:
    """From now on it is with `to`, who hears of it; others can still decide it.

    Raises PermissionDenied, and DecisionError when it is closed, or `to` can't have it.
    """
    require_moderator(by)
    now = Case.objects.select_for_update().get(pk=case.pk)
    if not now.is_open:
        raise DecisionError(_("This case is decided."))
    if to is None or not colleagues(case, by).filter(pk=to.pk).exists():
        raise DecisionError(_("Choose a moderator whose own work it is not."))
    if not text:
        raise DecisionError(_("Say why you hand it over."))
    Case.objects.filter(pk=case.pk).update(assigned_to=to, viewed_by=None, viewed_at=None)
    return CaseNote.objects.create(case=case, by=by, text=text, assigned_to=to)
