"""What a person sets for themselves, and for their teams."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.joining import MOST_BY_LINK
from accounts.models import Team, User
from accounts.roles import Role


class NoticesForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("email_notices", "browser_notices")


class SettingsForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("name", "theme")
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
            "theme": forms.RadioSelect,
        }


class TeamForm(forms.ModelForm[Team]):
    class Meta:
        model = Team
        fields = ("name",)
        widgets: ClassVar = {"name": forms.TextInput(attrs={"dir": "auto", "autocomplete": "organization"})}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())


class TeamSettingsForm(TeamForm):
    class Meta(TeamForm.Meta):
        fields = ("name", "is_private")  # type: ignore[assignment]  # one more than to found it


class _RoleForm(forms.Form):
    """Offers the roles that the person may give."""

    role = forms.ChoiceField(label=_("Role"), choices=Role, initial=Role.MEMBER)

    def __init__(self, *args: Any, may_own: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        offered = [choice for choice in Role.choices if may_own or choice[0] != Role.OWNER]
        self.fields["role"].choices = offered  # type: ignore[attr-defined]  # a field of choices


class InvitationForm(_RoleForm):
    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role")


class LinkForm(_RoleForm):
    uses = forms.IntegerField(label=_("For how many people"), min_value=1, max_value=MOST_BY_LINK, initial=5)


class LimitForm(forms.Form):
    """A month's limit in dollars; empty is none."""

    limit = forms.DecimalField(
        label=_("Dollars a month"),
        required=False,
        min_value=0,
        max_digits=9,
        decimal_places=2,
        help_text=_("Empty: no limit."),
    )

    @property
    def cents(self) -> int | None:
        limit = self.cleaned_data["limit"]
        return None if limit is None else int(limit * 100)
