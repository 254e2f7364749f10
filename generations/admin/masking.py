"""Mask private work on every staff page: in columns, searches, filters and order.

Only the page of a case shows it, to staff who have given a reason (`moderation.cases.open_private_access`).
"""

from typing import Any, ClassVar, Final, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from generations.models import Generation

# what a person wrote, what was made of it, and where that lies
PRIVATE_FIELDS: Final = (
    "prompt",
    "negative_prompt",
    "message",
    "provider_message",
    "logs",
    "source_url",
    "status_url",
    "response_url",
    "cancel_url",
)


M = TypeVar("M", bound=Model)


def mask(row: M, columns: tuple[str, ...]) -> M:
    """The row in memory, without what its person wrote, when its generation is private. It is not to be saved."""
    generation = row if isinstance(row, Generation) else getattr(row, "generation", None)
    if isinstance(generation, Generation) and generation.is_private:
        for name in columns:
            value = getattr(row, name)
            setattr(row, name, [] if isinstance(value, list) else _("(private)") if value else value)
    return row


class MaskedAdmin(admin.ModelAdmin[Any]):
    """`private_columns` are masked where the generation is private, and `private_search` looks into no such row."""

    private_columns: ClassVar[tuple[str, ...]] = ()
    private_search: ClassVar[tuple[str, ...]] = ()
    generation_path: ClassVar[str] = "generation__"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        return row and mask(row, self.private_columns)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        found = super().get_changelist_instance(request)
        found.result_list = [mask(row, self.private_columns) for row in found.result_list]
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search only what is not private: whether something is found would tell of the rest."""
        found, has_twins = super().get_search_results(request, queryset, search_term)
        if not search_term.strip() or not self.private_search:
            return found, has_twins
        words = Q()
        for word in search_term.split():
            words &= Q.create([Q(**{f"{path}__icontains": word}) for path in self.private_search], connector=Q.OR)
        shown = queryset.filter(words, **{f"{self.generation_path}is_private": False})
        return queryset.filter(Q(pk__in=found.order_by().values("pk")) | Q(pk__in=shown.order_by().values("pk"))), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup.partition("__")[0] not in self.private_columns and super().lookup_allowed(lookup, value, request)

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        return [name for name in super().get_sortable_by(request) if name not in self.private_columns]
