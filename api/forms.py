"""Forms for keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team, User
from accounts.names import fold
from api.models import Key, Scope
from api.models.key import DEFAULT_RESULT_DAYS, MAX_NETWORKS, MAX_RESULT_DAYS, validate_network
from generations.models import Collection

_EXPIRIES: Final = [
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("1 year")),
    ("", gettext_lazy("Never")),
]
_NO_TEAM: Final = {"invalid_choice": gettext_lazy("You are in no such team.")}


def _with_team(project: Collection) -> str:
    return f"{project.team}: {project}"


class KeyForm(forms.Form):
    """What may be changed of a key that exists."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What the key is for, such as the name of a script."),
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )
    monthly_limit = forms.DecimalField(
        label=gettext_lazy("Monthly limit ($)"),
        required=False,
        min_value=0,
        max_digits=9,
        decimal_places=2,
        help_text=gettext_lazy("Of this key; the limits of the team and of its members hold besides. Blank for none."),
        widget=forms.NumberInput(attrs={"class": "input", "min": "0", "step": "0.01"}),
    )
    allowed_networks = forms.CharField(
        label=gettext_lazy("Allowed addresses (optional)"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("One address or network per line, such as 192.0.2.7 or 192.0.2.0/24. Blank for any."),
        widget=forms.Textarea(attrs={"class": "input code", "rows": 2, "spellcheck": "false"}),
    )
    result_days = forms.IntegerField(
        label=gettext_lazy("Result links expire after (days)"),
        min_value=1,
        max_value=MAX_RESULT_DAYS,
        help_text=gettext_lazy("Whoever has the address of a result sees the video, until then."),
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )

    project = forms.ModelChoiceField(
        Collection.objects.none(),
        label=gettext_lazy("Default project"),
        required=False,
        empty_label=gettext_lazy("No project"),
        help_text=gettext_lazy("Where a request has no header X-Studio-Project."),
        widget=forms.Select(attrs={"class": "input"}),
    )

    def clean_name(self) -> str:
        name = fold(str(self.cleaned_data["name"]))
        if not name:
            raise ValidationError(_("Nothing of this name can be seen. Choose another one."))
        return name

    def clean_allowed_networks(self) -> list[str]:
        found = list(dict.fromkeys(self.cleaned_data["allowed_networks"].replace(",", " ").split()))
        if len(found) > MAX_NETWORKS:
            raise ValidationError(_("Give at most %d.") % MAX_NETWORKS)
        for network in found:
            validate_network(network)
        return found

    def columns(self) -> dict[str, Any]:
        """Of a valid form, by the names that the model has for them."""
        limit = self.cleaned_data["monthly_limit"]
        names = ("name", "scopes", "allowed_networks", "result_days", "project")
        return {name: self.cleaned_data[name] for name in names} | {
            "monthly_limit_cents": None if limit is None else int(limit * 100)
        }


class NewKeyForm(KeyForm):
    """A new key, for one of the person's teams."""

    team = forms.ModelChoiceField(
        Team.objects.none(),
        label=gettext_lazy("Team"),
        to_field_name="slug",
        empty_label=None,
        help_text=gettext_lazy("The key sees this team alone, and spends its budget."),
        error_messages=_NO_TEAM,
        widget=forms.Select(attrs={"class": "input"}),
    )
    expires = forms.ChoiceField(
        label=gettext_lazy("Expires after"),
        choices=_EXPIRIES,
        required=False,
        widget=forms.Select(attrs={"class": "input"}),
    )
    field_order = ("name", "team", "scopes", "expires")

    def __init__(self, user: User, teams: Sequence[Team], *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "scopes": [Scope.READ, Scope.GENERATE],
            "result_days": DEFAULT_RESULT_DAYS,
            "expires": "90",
        }
        super().__init__(*args, **kwargs)
        self.user = user
        field: Any = self.fields["team"]
        field.queryset = Team.objects.get_queryset().filter(pk__in=[team.pk for team in teams])
        field.choices = [(team.slug, team.name) for team in teams]  # they were read already
        projects: Any = self.fields["project"]
        projects.queryset = Collection.objects.usable_by(user).filter(team__in=teams).select_related("team")
        projects.label_from_instance = _with_team

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        project, team = values.get("project"), values.get("team")
        if project and team and project.team_id != team.pk:
            self.add_error("project", _("This project is of another team."))
        return values

    def save(self) -> tuple[Key, str]:
        """The key and its token."""
        days = self.cleaned_data["expires"]
        expires_at = timezone.now() + timedelta(days=int(days)) if days else None
        key = Key(user=self.user, team=self.cleaned_data["team"], expires_at=expires_at, **self.columns())
        return key, key.save_with_token()


class EditKeyForm(KeyForm):
    def __init__(self, key: Key, *args: Any, **kwargs: Any) -> None:
        limit = key.monthly_limit_cents
        kwargs["initial"] = {
            "name": key.name,
            "scopes": key.scopes,
            "monthly_limit": None if limit is None else f"{limit / 100:.2f}",
            "allowed_networks": "\n".join(key.allowed_networks),
            "project": key.project_id,
            "result_days": key.result_days,
        }
        super().__init__(*args, **kwargs)
        self.key = key
        field: Any = self.fields["project"]
        field.queryset = Collection.objects.usable_by(key.user).filter(team=key.team)

    def save(self) -> None:
        Key.objects.filter(pk=self.key.pk).update(**self.columns())
