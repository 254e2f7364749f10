"""The select of many choices gives what Django's own gives."""

import pytest
from django import forms
from django.test.html import parse_html

from accounts.widgets import LongSelect

CHOICES = [("", "As the <browser>"), ("Europe/Berlin", "Europe/Berlin"), ('a"b', "Odd & even"), (7, "Seven")]


@pytest.mark.parametrize("value", ["", None, "Europe/Berlin", 'a"b', 7, "7", "no such choice"])
def test_same_as_djangos(value: object) -> None:
    attrs = {"class": "input", "required": True}
    ours, theirs = LongSelect(attrs=attrs, choices=CHOICES), forms.Select(attrs=attrs, choices=CHOICES)

    assert parse_html(ours.render("zone", value, {"id": "id_zone"})) == parse_html(
        theirs.render("zone", value, {"id": "id_zone"})
    )
