"""The project that a program orders in."""

from django.utils.translation import gettext as _

from api.authentication import Caller
from config.parameters import whole_number
from generations.exceptions import ProjectRefusedError
from generations.models import Collection


def project_of(caller: Caller) -> Collection | None:
    """The project that the request names, or else the key's; a blank name is none.

    Named by the id of one in which the key may order, or else by a name, so that a project may be called 2027. Raises
    ProjectRefusedError where the team has none such.
    """
    if caller.project is None:
        return caller.key.project
    named = _as_utf8(caller.project).strip()
    return _find(caller, named) if named else None


def _find(caller: Caller, named: str) -> Collection:
    of_team = Collection.objects.filter(team=caller.team)
    number = whole_number(named)
    by_id = of_team.filter(pk=number).first() if number else None
    if by_id and Collection.objects.usable_by(caller.user).filter(pk=by_id.pk).exists():
        return by_id
    found = of_team.filter(name__iexact=named).first() or by_id
    if found is None:
        message = _("There is no project “%(name)s” in %(team)s.")
        raise ProjectRefusedError(message % {"name": named, "team": caller.team})
    return found


def _as_utf8(header: str) -> str:
    """Servers read headers as Latin-1; most programs write UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
