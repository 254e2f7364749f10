"""Order all rows of a sheet by one press, or none."""

from django.utils import timezone
from django.utils.translation import gettext as _

from generations.exceptions import OrderRefusedError
from generations.imports.check import CheckedImport
from generations.models import Generation, ImportPicture, OrderImport, Tag, dollars
from generations.orders.place import place_batch


class ImportChangedError(OrderRefusedError):
    """The sheet, or its price, is not the one any more that was shown."""


def order_import(checked: CheckedImport) -> list[Generation]:
    """All that a ready import asks for. Pressed twice it is ordered once.

    Raises OrderRefusedError and BucketDownError; then nothing was ordered.
    """
    found = checked.found

    def record(rows: list[Generation]) -> None:
        _refuse_another_price(checked, rows)
        _mark_ordered(found, rows)
        _add_tags(checked, rows)
        ImportPicture.objects.filter(order_import=found).delete()

    return place_batch(checked.orders(), record=record)


def _refuse_another_price(checked: CheckedImport, rows: list[Generation]) -> None:
    cents = sum(row.cost_cents for row in rows)
    if cents != checked.cents:
        raise ImportChangedError(_("Nothing was ordered: it costs %s now. Look at it again.") % dollars(cents))


def _mark_ordered(found: OrderImport, rows: list[Generation]) -> None:
    if not found.change(batch=rows[0].batch, ordered_at=timezone.now()):
        raise ImportChangedError(_("The sheet was changed meanwhile. Look at it again, then order."))


def _add_tags(checked: CheckedImport, rows: list[Generation]) -> None:
    of_tag: dict[str, tuple[str, list[Generation]]] = {}
    for row, made in zip(checked.rows, rows, strict=True):
        for name in row.tags:
            of_tag.setdefault(name.casefold(), (name, []))[1].append(made)
    for name, tagged in of_tag.values():
        tag = Tag.objects.get_or_create_named(checked.found.team_id, name)
        tag.generations.add(*tagged)
