"""The project that a program orders in."""

from django.utils.translation import gettext as _

from api.authentication import Caller
from config.parameters import whole_number
from generations.exceptions import ProjectRefusedError
from generations.models import Collection


def project_of(caller: Caller) -> Collection | None:
    """The project that the request names by its id or its name, or else the key's; a blank name is none.

    Raises ProjectRefusedError where the team has none of that name.
    """
    if caller.project is None:
        return caller.key.project
    named = _as_utf8(caller.project).strip()
    if not named:
        return None
    projects = Collection.objects.filter(team=caller.team)
    number = whole_number(named)
    found = (projects.filter(pk=number).first() if number else None) or projects.filter(name__iexact=named).first()
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
