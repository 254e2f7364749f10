"""Forms for share links and for what a team says about them."""

from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.names import fold
from sharing.links import LinkOptions
from sharing.models import MAX_DAYS, ShareLink, TeamSharing
from sharing.models.share_link import DEFAULT_DAYS

_MAX_PASSWORD: Final = 128  # characters: hashing more takes long


class ShareLinkForm(forms.Form):
    """A new link; `sharing` says how long it may live."""

    name = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=100,
        help_text=gettext_lazy("Guests read it. Prompts are not shown to them."),
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Expires after (days)"),
        min_value=1,
        max_value=MAX_DAYS,
        initial=DEFAULT_DAYS,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password (optional)"),
        required=False,
        strip=False,
        min_length=6,
        max_length=_MAX_PASSWORD,
        help_text=gettext_lazy("Send it by another way than the link."),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
    )
    max_views = forms.IntegerField(
        label=gettext_lazy("View limit (optional)"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text=gettext_lazy("Each browser that opens the link counts once a week."),
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )
    allows_comments = forms.BooleanField(label=gettext_lazy("Allow comments and approval"), required=False)
    allows_download = forms.BooleanField(label=gettext_lazy("Allow downloads"), required=False)

    def __init__(self, *args: Any, sharing: TeamSharing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sharing = sharing
        self.initial.setdefault("days", min(DEFAULT_DAYS, sharing.max_days))
        self.fields["days"].help_text = _("At most %d, as the team has set.") % sharing.max_days

    def clean_name(self) -> str:
        name = fold(str(self.cleaned_data["name"]))
        if not name:
            raise forms.ValidationError(_("Nothing of this title can be seen. Choose another one."))
        return name

    def clean_days(self) -> int:
        days = int(self.cleaned_data["days"])
        if days > self.sharing.max_days:
            raise forms.ValidationError(_("Links of this team last %d days at most.") % self.sharing.max_days)
        return days

    def options(self) -> LinkOptions:
        return LinkOptions(**self.cleaned_data)


class EditLinkForm(ShareLinkForm):
    """A link that exists: blank days keep its expiry, a blank password keeps its password."""

    removes_password = forms.BooleanField(label=gettext_lazy("Remove the password"), required=False)
    field_order = ("name", "days", "password", "removes_password")

    def __init__(self, *args: Any, link: ShareLink, **kwargs: Any) -> None:
        initial = {name: getattr(link, name) for name in ("name", "max_views", "allows_comments", "allows_download")}
        super().__init__(*args, initial=initial | {"days": None}, **kwargs)
        self.link = link
        self.fields["days"].required = False
        self.fields["days"].label = _("Expires after (days from now)")
        self.fields["days"].help_text = _("Blank keeps its expiry. At most %d.") % self.sharing.max_days
        if link.password:
            self.fields["password"].label = _("New password")
            self.fields["password"].help_text = _("Blank keeps the one it has.")
        else:
            del self.fields["removes_password"]

    def clean_days(self) -> int | None:  # type: ignore[override]  # blank keeps
        return None if self.cleaned_data["days"] is None else super().clean_days()

    def clean_max_views(self) -> int | None:
        most: int | None = self.cleaned_data["max_views"]
        if most is not None and most < self.link.views:
            raise forms.ValidationError(_("It was opened %d times already.") % self.link.views)
        return most


class TeamSharingForm(forms.ModelForm[TeamSharing]):
    max_days = forms.IntegerField(
        label=gettext_lazy("Longest expiry (days)"),
        min_value=1,
        max_value=MAX_DAYS,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )

    class Meta:
        model = TeamSharing
        fields = ("policy", "max_days", "labels_ai")
        widgets: ClassVar = {"policy": forms.RadioSelect}
        labels: ClassVar = {
            "policy": gettext_lazy("Share links"),
            "labels_ai": gettext_lazy("Label shared videos “AI-generated with Kling”"),
        }
