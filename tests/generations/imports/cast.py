"""Sheets and imports for the tests."""

from typing import Any

from accounts.models import Team, User
from generations.imports.table import Table, read_text
from generations.models import OrderImport
from generations.views.import_forms import mapping_of

HEADER = "Prompt,Negative prompt,Duration,Ratio,Start,End,Tags,CFG,Quality"


def sheet(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def make_import(user: User, team: Team, *rows: str, header: str = HEADER, **columns: Any) -> OrderImport:
    table: Table = read_text(sheet(*rows, header=header))
    values = {"name": "Shots.csv"} | mapping_of(table) | columns
    return OrderImport.objects.create(user=user, team=team, **values)
