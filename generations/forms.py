"""The composer's form. It accepts what `fal.arguments` allows; the command line uses it too."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
from generations.prompt_fields import MAX_VARIABLES, VALUES_PREFIX, PlainTextField, ValuesField, VariableField
from generations.prompt_variables import (
    combinations,
    count_combinations,
    fill,
    variables_of,
)

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
_MAX_TOLD: Final = 40  # characters of a value in an error
_TEMPLATES: Final = ("prompt", "negative_prompt")
_MAX_TEMPLATES: Final = 250_000  # characters in which variables are looked for: 50 lines with long lists of choices
_IS_PRIVATE: Final = {"team": False, "me": True}
_PICTURE_PLACEHOLDER: Final = "data:image/kept"  # stands in for the address that fal will read the picture from


class PictureForm(forms.Form):
    """Start and end picture: each a file, a link, or the id of one that was kept (`start_upload`, `tail_upload`).

    `kept` are those of a valid form, by slot; they are in the bucket at once.
    """

    start_file = forms.FileField(
        label=_("Start picture"), required=False, allow_empty_file=True, widget=forms.FileInput
    )
    start_link = forms.CharField(label=_("URL of the start picture"), required=False)
    start_upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    tail_file = forms.FileField(label=_("End picture"), required=False, allow_empty_file=True, widget=forms.FileInput)
    tail_link = forms.CharField(label=_("URL of the end picture"), required=False)
    tail_upload = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.kept: dict[Slot, Upload] = {}

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


class GenerationForm(PictureForm):
    """One request. No field is checked by Django's own rules: `clean` asks `fal.arguments` about all of them at once.

    Where the prompts have variables, each has a field of its own, and each combination of values is a video.
    """

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    parent = forms.UUIDField(widget=forms.HiddenInput, required=False)
    preset = forms.CharField(widget=forms.HiddenInput, required=False)
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

    def __init__(
        self,
        user: User,
        *args: Any,
        teams: Sequence[Team] | None = None,
        has_variables: bool = False,
        **kwargs: Any,
    ) -> None:
        """`teams` are those in which the user may make videos, where they have been read already.

        Without `has_variables` braces in prompts are text.
        """
        kwargs["initial"] = {**initial_values(user, teams), **kwargs.get("initial", {})}
        super().__init__(user, *args, **kwargs)
        self.requests: list[Arguments] = []
        is_readable = sum(map(len, self._templates)) <= _MAX_TEMPLATES  # what is longer is refused as too long
        self.has_variables = has_variables and is_readable
        self.variables = variables_of(*self._templates) if self.has_variables else []
        for variable in self.variables[:MAX_VARIABLES]:
            self.fields[f"{VALUES_PREFIX}{variable.name}"] = ValuesField(label=variable.name)
        self._limit_fields()

    def _limit_fields(self) -> None:
        """What the user may choose."""
        self.fields["team"].queryset = Team.objects.where_may(self.user, Action.GENERATE)  # type: ignore[attr-defined]
        self.fields["project"].queryset = Collection.objects.usable_by(self.user)  # type: ignore[attr-defined]

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
        values = {each.variable.name: each.values or [""] for each in self.variable_fields}
        videos = sum(
            count_combinations([name for name in names if name in values], values) for names in self.names_by_prompt
        )
        videos += max(0, len(self._prompts) - MAX_LINES)
        if _is_on(self["lines"].value()):
            return videos or 1
        number = str(self["variations"].value() or "1")
        amount = whole_number(number)
        return videos * (amount if amount and amount <= MAX_VARIATIONS else 1)

    @property
    def variable_fields(self) -> list[VariableField]:
        shown = self.variables[:MAX_VARIABLES]
        return [VariableField(variable, self[f"{VALUES_PREFIX}{variable.name}"]) for variable in shown]

    @property
    def names_by_prompt(self) -> list[list[str]]:
        """The variables of each prompt of the form as it stands, of as many as there may be."""
        shown = {variable.name for variable in self.variables[:MAX_VARIABLES]}
        of_all = [name for name in self._names(self._templates[1]) if name in shown]
        own = ([name for name in self._names(text) if name in shown] for text in self._prompts[:MAX_LINES])
        return [list(dict.fromkeys([*names, *of_all])) for names in own]

    @property
    def _prompts(self) -> list[str]:
        prompt = self._templates[0]
        return [line for _, line in numbered_lines(prompt)] if _is_on(self["lines"].value()) else [prompt]

    @property
    def _templates(self) -> tuple[str, ...]:
        return tuple(str(self[name].value() or "").replace("\r\n", "\n") for name in _TEMPLATES)

    def _names(self, *texts: str) -> list[str]:
        return [variable.name for variable in variables_of(*texts)] if self.has_variables else []

    @property
    def preset_id(self) -> int | None:
        """The id of what the form began with; it may be gone, or another's."""
        return whole_number(str(self["preset"].value() or ""))

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

    def _check_arguments(self, endpoint: Endpoint) -> None:
        given = ("prompt", "negative_prompt", "duration", "aspect_ratio", "cfg_scale")
        values = {name: self.cleaned_data.get(name, "") for name in given}
        values |= {_ARGUMENT_OF_SLOT[slot]: _PICTURE_PLACEHOLDER for slot in self.kept}
        if endpoint.source is Source.IMAGE and Slot.TAIL in self.kept and not endpoint.has_tail:
            self.add_error("tail_file", _("A draft takes no end picture. Remove it, or choose another quality."))
        self.requests = self._requests(endpoint, values)
        if self.requests and not self._has_price(endpoint, self.requests[0].duration):
            self.add_error("duration", _("There is no price for this yet. Ask an admin to enter what it costs."))

    def _has_price(self, endpoint: Endpoint, duration: Duration) -> bool:
        return Price.objects.filter(endpoint=endpoint, seconds=duration).exists()

    def _requests(self, endpoint: Endpoint, values: dict[str, Any]) -> list[Arguments]:
        """One each line or variation, and of these one each combination of the variables' values."""
        is_by_line = self.cleaned_data.get("lines")
        prompts = self._lines(values["prompt"]) if is_by_line else [(0, values["prompt"])]
        if not self._check_variables():
            for number, prompt in prompts:  # what else is wrong
                self._request(endpoint, values | {"prompt": prompt}, number)
            return []
        made = [one for number, prompt in prompts for one in self._combine(endpoint, values, number, prompt)]
        return made * (1 if is_by_line else self.cleaned_data.get("variations") or 1)

    def _lines(self, prompt: str) -> list[tuple[int, str]]:
        """Each line that is not blank is a prompt; what is wrong with one is named by its number."""
        lines = numbered_lines(prompt) or [(0, "")]
        if len(lines) <= MAX_LINES:
            return lines
        words = _("There are %(lines)d lines; use at most %(most)d.") % {"lines": len(lines), "most": MAX_LINES}
        self.add_error("prompt", words)
        return lines[:1]

    def _check_variables(self) -> bool:
        """Whether each has the values that it needs, and all of them do not make too many videos."""
        if len(self.variables) > MAX_VARIABLES:
            numbers = {"found": len(self.variables), "most": MAX_VARIABLES}
            self.add_error("prompt", _("There are %(found)d variables; use at most %(most)d.") % numbers)
        for each in self.variable_fields:
            if not each.is_shown:
                self.add_error(each.field.name, _("Each choice makes a video of its own. Choose, then press again."))
            elif not each.values:
                words = _("Choose at least one.") if each.variable.choices else _("Give it at least one value.")
                self.add_error(each.field.name, words)
        if self.variables and self.count > MAX_LINES:
            numbers = {"videos": self.count, "most": MAX_LINES}
            words = _("With these variables the order makes %(videos)d videos; it may make %(most)d at most.")
            self.add_error("prompt", words % numbers)
        return not any(self.has_error(each.field.name) for each in self.variable_fields) and not (
            self.variables and self.has_error("prompt")
        )

    def _combine(self, endpoint: Endpoint, values: dict[str, Any], number: int, prompt: str) -> list[Arguments]:
        """One each combination. The first that is wrong is told, with its values."""
        templates = {"prompt": prompt, "negative_prompt": values["negative_prompt"]}
        if not self.has_variables:
            found = self._request(endpoint, values | templates, number)
            return [found] if found else []
        made = []
        chosen = {each.variable.name: each.values for each in self.variable_fields}
        for combination in combinations(self._names(*templates.values()), chosen):
            filled = {name: fill(text, combination) for name, text in templates.items()}
            found = self._request(endpoint, values | filled, number, combination)
            if found is None:
                return []
            made.append(found)
        return made

    def _request(
        self, endpoint: Endpoint, values: dict[str, Any], line: int = 0, filled_in: Mapping[str, str] | None = None
    ) -> Arguments | None:
        try:
            return parse(endpoint, values)
        except InvalidArguments as error:
            problems = error.problems
        if filled_in:
            problems = [_with_values(problem, filled_in) for problem in problems]
        self._add_problems(problems, line)
        return None


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers as a person counts them."""
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if is_visible(line)]


def _with_values(problem: Problem, values: Mapping[str, str]) -> Problem:
    if problem.field not in _TEMPLATES:
        return problem
    told = ", ".join(f"{name}: {value[:_MAX_TOLD]}" for name, value in values.items())
    words = _("With %(values)s: %(problem)s") % {"values": told, "problem": problem.message}
    return replace(problem, message=words)


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
