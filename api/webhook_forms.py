"""Forms of a team's webhooks."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team
from api import webhook_address
from api.models import SUBSCRIBABLE, WebhookEndpoint, WebhookEvent, WebhookFormat

MOST_ENDPOINTS: Final = 20  # of a team
_FORMATS: Final = [(value, label) for value, label in WebhookFormat.choices if value != WebhookFormat.FAL]
_USUAL: Final = [WebhookEvent.DONE, WebhookEvent.FAILED, WebhookEvent.CANCELED, WebhookEvent.REJECTED]


class WebhookForm(forms.ModelForm[WebhookEndpoint]):
    """An endpoint of `team`, new or as it is."""

    url = forms.CharField(
        label=gettext_lazy("URL"),
        max_length=webhook_address.MAX_LENGTH,
        help_text=gettext_lazy("https:// and a public address. Redirects are not followed."),
        widget=forms.URLInput(attrs={"class": "input", "autocomplete": "off", "placeholder": "https://"}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description (optional)"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=_FORMATS, initial=WebhookFormat.STANDARD, widget=forms.RadioSelect
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=SUBSCRIBABLE,
        initial=_USUAL,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one event.")},
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "format", "events")

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if url != self.instance.url:
            try:
                webhook_address.check(url)
            except webhook_address.WebhookUrlError as error:
                raise forms.ValidationError(str(error)) from error
        return url

    def clean(self) -> dict[str, Any] | None:
        own = WebhookEndpoint.objects.own().filter(team=self.team)
        if self.instance._state.adding and own.count() >= MOST_ENDPOINTS:
            raise forms.ValidationError(_("A team has at most %d webhooks. Delete one first.") % MOST_ENDPOINTS)
        return super().clean()


class ReplayForm(forms.Form):
    """Deliveries of a range of time, in UTC."""

    since = forms.DateTimeField(
        label=gettext_lazy("From (UTC)"), widget=forms.DateTimeInput(attrs={"class": "input", "type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label=gettext_lazy("To (UTC)"), widget=forms.DateTimeInput(attrs={"class": "input", "type": "datetime-local"})
    )
    failed_only = forms.BooleanField(label=gettext_lazy("Failed deliveries only"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            self.fields[name].input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]  # type: ignore[attr-defined]
            self.fields[name].widget.format = "%Y-%m-%dT%H:%M"

    def clean_until(self) -> datetime:
        since: datetime | None = self.cleaned_data.get("since")
        until: datetime = self.cleaned_data["until"]
        if since and until <= since:
            raise forms.ValidationError(_("Choose a moment after “From”."))
        return until
