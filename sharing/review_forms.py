"""Forms for comments and verdicts, of members and of guests."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.names import fold
from generations.models import ReviewStatus
from sharing.models import Guest
from sharing.models.review import MAX_GUEST_NAME, MAX_TEXT

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise
else:
    _StrPromise = str

_HUNDREDTHS: Final = {"inputmode": "decimal", "step": "any", "class": "input"}


def _seconds(label: _StrPromise) -> forms.FloatField:
    return forms.FloatField(label=label, required=False, min_value=0, widget=forms.NumberInput(attrs=_HUNDREDTHS))


def _percent(label: _StrPromise) -> forms.FloatField:
    widget = forms.NumberInput(attrs=_HUNDREDTHS)
    return forms.FloatField(label=label, required=False, min_value=0, max_value=100, widget=widget)


class TextForm(forms.Form):
    """What somebody says: plain text."""

    text = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"class": "input", "rows": 3, "dir": "auto"}),
    )

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if not fold(text):
            raise forms.ValidationError(_("Nothing of this text can be seen."))
        return text


class CommentForm(TextForm):
    """With its moment or range in seconds, and its place on the frame in percent of the frame's size."""

    start = _seconds(gettext_lazy("From (seconds)"))
    end = _seconds(gettext_lazy("To (seconds)"))
    x = _percent(gettext_lazy("From the left (%)"))
    y = _percent(gettext_lazy("From the top (%)"))
    width = _percent(gettext_lazy("Width (%)"))
    height = _percent(gettext_lazy("Height (%)"))

    def __init__(self, *args: Any, duration: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.duration = duration

    def _within(self, name: str) -> float | None:
        seconds: float | None = self.cleaned_data[name]
        if seconds is not None and seconds > self.duration:
            raise forms.ValidationError(_("The video ends at %s seconds.") % round(self.duration, 3))
        return seconds

    def clean_start(self) -> float | None:
        return self._within("start")

    def clean_end(self) -> float | None:
        return self._within("end")

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        self._check_range(values)
        self._check_place(values)
        return values

    def _check_range(self, values: dict[str, Any]) -> None:
        end = values.get("end")
        if end is None or self.has_error("start"):
            return
        if values.get("start") is None:
            self.add_error("start", _("Say where the range begins."))
        elif _ms(end) <= _ms(values["start"]):
            self.add_error("end", _("The range ends before it begins."))

    def _check_place(self, values: dict[str, Any]) -> None:
        x, y, width, height = (values.get(name) for name in ("x", "y", "width", "height"))
        if (x is None) != (y is None):
            self.add_error("x" if x is None else "y", _("A place needs both."))
        if (width is None) != (height is None):
            self.add_error("width" if width is None else "height", _("A rectangle needs both."))
        if width is None or height is None:
            return
        if x is None or y is None:
            self.add_error("x", _("A rectangle needs a corner."))
        elif not (width and height) or x + width > 100.001 or y + height > 100.001:
            self.add_error("width", _("The rectangle does not lie in the frame."))

    def columns(self) -> dict[str, Any]:
        """As the row has them: milliseconds and fractions."""
        values = self.cleaned_data
        times = {f"{name}_ms": None if values[name] is None else _ms(values[name]) for name in ("start", "end")}
        place = {name: None if values[name] is None else values[name] / 100 for name in ("x", "y", "width", "height")}
        return values | times | place


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


class MemberMixin(forms.Form):
    """What members alone can say of a comment."""

    is_public = forms.BooleanField(label=gettext_lazy("Visible to guests"), required=False)
    mention = forms.TypedChoiceField(label=gettext_lazy("Mention"), required=False, empty_value=None)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        field: Any = self.fields["mention"]
        field.choices = [("", _("Nobody")), *((key, one.name) for key, one in self.people.items())]
        field.coerce = self.people.__getitem__
        field.widget.attrs["class"] = "input"


class MemberCommentForm(MemberMixin, CommentForm):
    """A member's comment or reply."""


class MemberTextForm(MemberMixin, TextForm):
    """A member's comment, edited."""


class GuestNameMixin(forms.Form):
    """The name is asked for once."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=MAX_GUEST_NAME,
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "name"}),
    )

    def __init__(self, *args: Any, guest: Guest | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if guest:
            del self.fields["name"]

    def clean_name(self) -> str:
        name = fold(str(self.cleaned_data["name"]))
        if not name:
            raise forms.ValidationError(_("Nothing of this name can be seen. Choose another one."))
        return name


class GuestCommentForm(GuestNameMixin, CommentForm):
    """A guest's comment or reply."""


class VerdictForm(forms.Form):
    """`kind` is the button that was pressed."""

    kind = forms.ChoiceField(choices=ReviewStatus, error_messages={"required": gettext_lazy("Press one of the two.")})
    note = forms.CharField(
        label=gettext_lazy("Note (optional)"),
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"class": "input", "rows": 2, "dir": "auto"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "verdict_%s", **kwargs})


class GuestVerdictForm(GuestNameMixin, VerdictForm):
    """A guest's verdict."""
