"""The composer's form. It accepts what `fal.arguments` allows; the command line uses it too."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.roles import Action
from config.parameters import whole_number
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import (
    DEFAULT_CFG_SCALE,
    DEFAULT_NEGATIVE_PROMPT,
    Arguments,
    AspectRatio,
    Duration,
    Endpoint,
    InvalidArguments,
    PictureFormat,
    Problem,
    Quality,
    Source,
    check_picture,
    is_visible,
    parse,
)
from generations.models import Collection, Generation, Price, Slot, Upload
from generations.orders.place import Order, save_upload
from generations.orders.rate_limits import refuse_too_many_pictures
from generations.pictures import DecoderBusyError, Picture, fetch_picture, read

_ARGUMENT_OF_SLOT: Final = {Slot.START: "image_url", Slot.TAIL: "tail_image_url"}
_NO_TEAM: Final = {"invalid_choice": _("There is no such team, or you may not make videos in it.")}
_NO_PROJECT: Final = {
    "invalid_choice": _("This project is archived, or you are not a member of it. Choose another one.")
}
_NO_NUMBER: Final = _("Choose a number from 1 to 8.")
QUALITY_CHOICES: Final = [(Quality.PRO.value, _("Pro")), (Quality.DRAFT.value, _("Draft"))]
DEFAULTABLE: Final = ("kind", "duration", "aspect_ratio", "negative_prompt", "cfg_scale")
MAX_VARIATIONS: Final = 8
MAX_LINES: Final = 50
_IS_PRIVATE: Final = {"team": False, "me": True}
_PICTURE_PLACEHOLDER: Final = "data:image/kept"  # stands in for the address that fal will read the picture from


class PlainTextField(forms.CharField):
    """A text as typed, with the browser's line ends made plain, since each counts as a character."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class GenerationForm(forms.Form):
    """One request. No field is checked by Django's own rules: `clean` asks `fal.arguments` about all of them at once.

    Pictures come as a file, a link, or the id of one kept from an earlier try (`start_upload`, `tail_upload`).
    """

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    parent = forms.UUIDField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        choices=[(Source.TEXT.value, _("Text")), (Source.IMAGE.value, _("Image"))], widget=forms.RadioSelect
    )
    quality = forms.ChoiceField(label=_("Quality"), required=False, choices=QUALITY_CHOICES)
    team = forms.ModelChoiceField(
        Team.objects.none(), label=_("Team"), to_field_name="slug", empty_label=None, error_messages=_NO_TEAM
    )
    project = forms.ModelChoiceField(
        Collection.objects.none(), label=_("Project"), required=False, error_messages=_NO_PROJECT
    )
    prompt = PlainTextField(label=_("Prompt"), required=False, strip=False, widget=forms.Textarea)
    start_file = forms.FileField(label=_("Start picture"), required=False, allow_empty_file=True)
    start_link = forms.CharField(label=_("URL of the start picture"), required=False)
    start_upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    tail_file = forms.FileField(label=_("End picture"), required=False, allow_empty_file=True)
    tail_link = forms.CharField(label=_("URL of the end picture"), required=False)
    tail_upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    duration = forms.CharField(label=_("Duration"), required=False)
    aspect_ratio = forms.CharField(label=_("Aspect ratio"), required=False)
    negative_prompt = PlainTextField(label=_("Negative prompt"), required=False, strip=False, widget=forms.Textarea)
    cfg_scale = forms.CharField(label=_("CFG scale"), required=False)
    seen_by = forms.ChoiceField(
        label=_("Visibility"),
        required=False,
        choices=[("", _("Team default")), ("team", _("Everyone in the team")), ("me", _("Only me"))],
    )
    lines = forms.BooleanField(label=_("Batch: one prompt per line"), required=False)
    variations = forms.IntegerField(
        label=_("Variations"),
        required=False,
        min_value=1,
        max_value=MAX_VARIATIONS,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _NO_NUMBER),
    )

    def __init__(self, user: User, *args: Any, teams: Sequence[Team] | None = None, **kwargs: Any) -> None:
        """`teams` are those in which the user may make videos, where they have been read already."""
        kwargs["initial"] = {**initial_values(user, teams), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["team"].queryset = Team.objects.where_may(user, Action.GENERATE)  # type: ignore[attr-defined]
        self.fields["project"].queryset = Collection.objects.usable_by(user)  # type: ignore[attr-defined]
        self.kept: dict[Slot, Upload] = {}
        self.requests: list[Arguments] = []

    @property
    def order(self) -> Order:
        """What a valid form asks for, where it asks for one."""
        return self.orders[0]

    @property
    def orders(self) -> list[Order]:
        """What a valid form asks for: one each variation or line."""
        idempotency_key = self.cleaned_data["idempotency_key"] or uuid.uuid4()
        assert self.endpoint
        return [self._order(idempotency_key, self.endpoint, arguments) for arguments in self.requests]

    @property
    def endpoint(self) -> Endpoint | None:
        """What the form as it stands asks for. A quality that only the other tab has is not asked for."""
        kind, quality = (str(self[name].value() or "") for name in ("kind", "quality"))
        return Endpoint.choose(kind, quality) or Endpoint.choose(kind)

    @property
    def count(self) -> int:
        """How many videos the form as it stands asks for; what it can't say counts as one."""
        if _is_on(self["lines"].value()):
            return len(numbered_lines(self["prompt"].value() or "")) or 1
        number = str(self["variations"].value() or "1")
        amount = whole_number(number)
        return amount if amount and amount <= MAX_VARIATIONS else 1

    def _order(self, idempotency_key: uuid.UUID, endpoint: Endpoint, arguments: Arguments) -> Order:
        return Order(
            user=self.user,
            team=self.cleaned_data["team"],
            idempotency_key=idempotency_key,
            endpoint=endpoint,
            arguments=arguments,
            pictures=self.kept,
            remix_of=self.cleaned_data["parent"],
            is_private=_IS_PRIVATE.get(self.cleaned_data["seen_by"]),
            project=self.cleaned_data["project"],
        )

    def clean_parent(self) -> Generation | None:
        """What the form began with, as long as the person may still see it."""
        parent = self.cleaned_data["parent"]
        return Generation.objects.visible_to(self.user).filter(pk=parent).first() if parent else None

    def clean(self) -> dict[str, Any]:
        self._check_project()
        endpoint = self.endpoint
        takes_pictures = endpoint is not None and endpoint.source is Source.IMAGE
        if takes_pictures:
            for slot in Slot:
                self._save_picture(Slot(slot))
        if endpoint:
            self._check_arguments(endpoint)
        if not takes_pictures and self.errors:
            for slot in Slot:
                self._save_unused(Slot(slot))
        return self.cleaned_data

    def _check_project(self) -> None:
        project, team = self.cleaned_data.get("project"), self.cleaned_data.get("team")
        if project and team and project.team_id != team.pk:
            self.add_error("project", _("This project is of another team. Choose one of the team that pays."))

    def _save_picture(self, slot: Slot) -> None:
        """Read the slot's file or link and keep it in the bucket at once; what is wrong stands by its field."""
        field, read_it = self._picture_source(slot)
        if read_it is None:
            self._use_upload(slot)
            return
        try:
            refuse_too_many_pictures(self.user)
            self.kept[slot] = save_upload(self.user, read_it(field))
        except InvalidArguments as error:
            self._add_problems(error.problems)
            self._use_upload(slot)
        except (BucketDownError, DecoderBusyError, OrderRefusedError) as error:
            self.add_error(field, str(error))
            self._use_upload(slot)

    def _save_unused(self, slot: Slot) -> None:
        """A picture on the tab that is not asked for comes back with the form, or is left out when it is no good."""
        file = self.cleaned_data.get(f"{slot}_file")
        try:
            if file is not None:
                refuse_too_many_pictures(self.user)
                self.kept[slot] = save_upload(self.user, read_file(f"{slot}_file", file))
        except (InvalidArguments, BucketDownError, DecoderBusyError, OrderRefusedError):
            file = None
        if file is None:
            self._use_upload(slot)

    def _picture_source(self, slot: Slot) -> tuple[str, Callable[[str], Picture] | None]:
        """The field that the picture was given in, and how to read it; the newest choice wins: file, then link."""
        file: UploadedFile[Any] | None = self.cleaned_data.get(f"{slot}_file")
        link: str = self.cleaned_data.get(f"{slot}_link", "").strip()
        if file is not None:
            return f"{slot}_file", lambda field: read_file(field, file)
        if link:
            return f"{slot}_link", lambda field: fetch_picture(field, link)
        return "", None

    def _use_upload(self, slot: Slot) -> None:
        kept_id = self.cleaned_data.get(f"{slot}_upload")
        if kept_id and (upload := Upload.objects.touch(self.user, pk=kept_id)):
            self.kept[slot] = upload

    def _check_arguments(self, endpoint: Endpoint) -> None:
        given = ("prompt", "negative_prompt", "duration", "aspect_ratio", "cfg_scale")
        values = {name: self.cleaned_data.get(name, "") for name in given}
        values |= {_ARGUMENT_OF_SLOT[slot]: _PICTURE_PLACEHOLDER for slot in self.kept}
        if endpoint.source is Source.IMAGE and Slot.TAIL in self.kept and not endpoint.has_tail:
            self.add_error("tail_file", _("A draft takes no end picture. Remove it, or choose another quality."))
        if self.cleaned_data.get("lines"):
            self._check_lines(endpoint, values)
        elif request := self._request(endpoint, values):
            self.requests = [request] * (self.cleaned_data.get("variations") or 1)
        if self.requests and not Price.objects.filter(endpoint=endpoint, seconds=self.requests[0].duration).exists():
            self.add_error("duration", _("There is no price for this yet. Ask an admin to enter what it costs."))

    def _check_lines(self, endpoint: Endpoint, values: dict[str, Any]) -> None:
        """Each line that is not blank is a prompt; what is wrong with one is named by its number."""
        lines = numbered_lines(values["prompt"]) or [(0, "")]
        if len(lines) > MAX_LINES:
            self.add_error(
                "prompt",
                _("There are %(lines)d lines; use at most %(most)d.") % {"lines": len(lines), "most": MAX_LINES},
            )
            lines = lines[:1]
        made = [self._request(endpoint, values | {"prompt": prompt}, number) for number, prompt in lines]
        self.requests = [request for request in made if request]

    def _request(self, endpoint: Endpoint, values: dict[str, Any], line: int = 0) -> Arguments | None:
        try:
            return parse(endpoint, values)
        except InvalidArguments as error:
            self._add_problems(error.problems, line)
        return None

    def _add_problems(self, problems: list[Problem], line: int = 0) -> None:
        for problem in problems:
            if problem.field == "image_url":
                if not self.has_error("start_file") and not self.has_error("start_link"):
                    self.add_error("start_file", _("Choose a picture to start from."))
            elif problem.field == "prompt" and line:
                self.add_error(
                    "prompt", _("Line %(number)d: %(problem)s") % {"number": line, "problem": problem.message}
                )
            elif problem.message not in self.errors.get(problem.field, []):  # each line finds it again
                self.add_error(problem.field, problem.message)


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers as a person counts them."""
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if is_visible(line)]


def _is_on(value: Any) -> bool:
    return value not in (None, False, "", "false")


def initial_values(user: User, teams: Sequence[Team] | None = None) -> dict[str, Any]:
    """What a fresh form holds: the model's defaults, or the user's own where they have set some."""
    if teams is None:
        teams = list(Team.objects.where_may(user, Action.GENERATE)[:1])
    own = user.defaults if isinstance(user.defaults, dict) else {}
    return {
        "idempotency_key": uuid.uuid4(),
        "kind": Source.TEXT.value,
        "quality": Quality.PRO.value,
        "team": next((team.slug for team in teams), None),
        "duration": Duration.FIVE.value,
        "aspect_ratio": AspectRatio.LANDSCAPE.value,
        "negative_prompt": DEFAULT_NEGATIVE_PROMPT,
        "cfg_scale": DEFAULT_CFG_SCALE,
        "variations": 1,
        **{name: own[name] for name in DEFAULTABLE if name in own},
    }


def read_file(field: str, file: "UploadedFile[Any]") -> Picture:
    """Judge the size before the bytes are read into memory."""
    if too_large := check_picture(field, media_type=PictureFormat.JPEG, size=file.size):
        raise InvalidArguments(too_large)
    return read(field, file.read())
