"""What Kling Video v2.5 Turbo takes: one definition for the form, the client, the sandbox and the command line.

`Endpoint` is the table of fal's endpoints. Fields, defaults, enums and ranges are those of their API pages on fal; the
length of prompts and the rules for pictures are Kling's own (fal prints them for the sibling endpoints). Imports
nothing of this project.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Self

import regex
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

MAX_PROMPT_CHARACTERS: Final = 2500
DEFAULT_NEGATIVE_PROMPT: Final = "blur, distort, and low quality"
DEFAULT_CFG_SCALE: Final = 0.5
NOTICE: Final = timedelta(days=90)  # for so long before an endpoint ends it is told

MAX_PICTURE_BYTES: Final = 10 * 1024 * 1024
MIN_PICTURE_SIDE: Final = 300  # px
MIN_PICTURE_RATIO: Final = 0.4  # width / height
MAX_PICTURE_RATIO: Final = 2.5

# letters, numbers, punctuation and signs, but for those that draw nothing by themselves: fillers, a skin tone without
# its hand, and the blanks among Braille, hieroglyphs and notes
_VISIBLE: Final = regex.compile(
    r"[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\p{Emoji_Modifier}\u2800\ufffc\U00013441\U00013442\U0001d159]]",
    regex.VERSION1,
)


class Source(StrEnum):
    """What a video is made from."""

    TEXT = "text"
    IMAGE = "image"


class Quality(StrEnum):
    """How good a video is for its price."""

    PRO = "pro"
    DRAFT = "draft"


class Duration(StrEnum):
    """Seconds of video, as the string that fal wants."""

    FIVE = "5"
    TEN = "10"


class AspectRatio(StrEnum):
    """Width to height of a video made from text; one made from a picture follows the picture."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"


class PictureFormat(StrEnum):
    """The picture formats that Kling reads, by their media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"

    @property
    def extension(self) -> str:
        return "jpg" if self is PictureFormat.JPEG else "png"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input.

    `field` is the input's name, `type` fal's name for the error (docs.fal.ai/errors), `message` a sentence for a
    person, `ctx` fal's details, such as `{"ge": 0}`.
    """

    field: str
    type: str
    message: str
    ctx: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class InvalidArguments(ValueError):  # noqa: N818 - it reads as what happened
    """The input breaks the endpoint's rules; `problems` says where and how."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


def _number_as_text(value: object) -> object:
    """fal takes `5` for `"5"`."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of it; marks, joiners and direction marks need a letter or a sign beside them."""
    return _VISIBLE.search(text) is not None


def _reject_null(value: str) -> str:
    """No database and no command line takes it."""
    if "\0" in value:
        raise PydanticCustomError("string_unicode", "null")
    return value


def _reject_blank(value: str) -> str:
    if not is_visible(value):
        raise ValueError("blank")
    return value


Text = Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS), AfterValidator(_reject_null)]
Url = Annotated[str, Field(pattern=r"^(https?://|data:image/)")]


class _Arguments(BaseModel):
    """What both endpoints share. Unknown keys are ignored, as fal does."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    prompt: Annotated[Text, AfterValidator(_reject_blank)]
    duration: Annotated[Duration, BeforeValidator(_number_as_text)] = Duration.FIVE
    negative_prompt: Text = DEFAULT_NEGATIVE_PROMPT
    cfg_scale: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = DEFAULT_CFG_SCALE


class TextToVideo(_Arguments):
    aspect_ratio: AspectRatio = AspectRatio.LANDSCAPE


class StartFrameToVideo(_Arguments):
    image_url: Url


class ImageToVideo(StartFrameToVideo):
    tail_image_url: Url | None = None


Arguments = TextToVideo | StartFrameToVideo


@dataclass(frozen=True, slots=True)
class Terms:
    """What fal says of an endpoint. A price here is what the studio begins with; then the database's counts."""

    title: str
    quality: Quality
    schema: type[TextToVideo] | type[StartFrameToVideo]
    cents: Mapping[Duration, int]
    price_read_on: date
    ends_on: date | None = None  # the day from which fal takes no more requests for it


class Endpoint(StrEnum):
    """The table of fal's endpoints: each one's id, and its terms. The first of a source is what is made unless asked.

    One that has ended stays, since there are videos of it.
    """

    TEXT_TO_VIDEO = (
        "fal-ai/kling-video/v2.5-turbo/pro/text-to-video",
        Terms(
            title="Kling Video v2.5 Turbo Pro",
            quality=Quality.PRO,
            schema=TextToVideo,
            cents={Duration.FIVE: 35, Duration.TEN: 70},
            price_read_on=date(2026, 11, 23),
        ),
    )
    IMAGE_TO_VIDEO = (
        "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
        Terms(
            title="Kling Video v2.5 Turbo Pro",
            quality=Quality.PRO,
            schema=ImageToVideo,
            cents={Duration.FIVE: 35, Duration.TEN: 70},
            price_read_on=date(2026, 11, 23),
        ),
    )
    DRAFT_IMAGE_TO_VIDEO = (
        "fal-ai/kling-video/v2.5-turbo/standard/image-to-video",
        Terms(
            title="Kling Video v2.5 Turbo Standard",
            quality=Quality.DRAFT,
            schema=StartFrameToVideo,
            cents={Duration.FIVE: 21, Duration.TEN: 42},
            price_read_on=date(2026, 11, 28),
        ),
    )

    terms: Terms

    def __new__(cls, identifier: str, terms: Terms | None = None) -> Self:
        """With the id alone it finds a member, as every enum."""
        assert terms
        self = str.__new__(cls, identifier)
        self._value_, self.terms = identifier, terms
        return self

    @classmethod
    def choose(cls, source: str, quality: str = "") -> "Endpoint | None":
        """The one for a source and a quality; without a quality the source's default."""
        return next((one for one in cls.of(source) if quality in {"", one.quality}), None)

    @classmethod
    def default(cls, source: Source) -> "Endpoint":
        return cls.of(source)[0]

    @classmethod
    def of(cls, source: str) -> "list[Endpoint]":
        return [one for one in cls if one.source == source]

    @classmethod
    def ending(cls, today: date) -> "list[Endpoint]":
        """Those whose end is near or past."""
        return [one for one in cls if one.terms.ends_on and one.terms.ends_on - NOTICE <= today]

    @property
    def fields(self) -> frozenset[str]:
        """What it takes; fal ignores the rest."""
        return frozenset(self.terms.schema.model_fields)

    @property
    def source(self) -> Source:
        return Source.IMAGE if "image_url" in self.fields else Source.TEXT

    @property
    def quality(self) -> Quality:
        return self.terms.quality

    @property
    def has_tail(self) -> bool:
        """Whether it takes an end picture."""
        return "tail_image_url" in self.fields

    @property
    def app(self) -> str:
        """Follow-up addresses name owner and app only (fal's docs: Inference API)."""
        return "/".join(self.split("/")[:2])

    def has_ended(self, today: date) -> bool:
        return self.terms.ends_on is not None and self.terms.ends_on <= today


def parse(endpoint: Endpoint, values: Mapping[str, Any]) -> Arguments:
    """The endpoint's arguments made from `values`. Raises InvalidArguments with every problem at once."""
    try:
        return endpoint.terms.schema.model_validate(dict(values))
    except ValidationError as error:
        raise InvalidArguments([_problem(details) for details in error.errors()]) from None


def to_json(arguments: Arguments) -> dict[str, Any]:
    """The request's body as fal wants it; an absent tail picture is left out."""
    return arguments.model_dump(mode="json", exclude_none=True)


def check_picture(
    name: str, *, media_type: str, size: int | None = None, width: int | None = None, height: int | None = None
) -> list[Problem]:
    """What is wrong with a picture for the input `name`: `size` in bytes, `width` and `height` in pixels.

    What is not known yet is given as None and not judged, so that a picture's size can be checked before it is read.
    """
    problems = []
    if media_type not in list(PictureFormat):
        message = "Use JPEG, PNG, WebP, HEIC, AVIF, GIF or BMP."
        problems.append(
            Problem(name, "unsupported_image_format", message, {"supported_formats": [".jpg", ".jpeg", ".png"]})
        )
    if size is not None and size > MAX_PICTURE_BYTES:
        message = f"The picture is {size / 1024 / 1024:.1f} MB; it may be at most 10 MB."
        problems.append(Problem(name, "file_too_large", message, {"max_size": MAX_PICTURE_BYTES}))
    if width is not None and height is not None:
        problems += _geometry_problems(name, width, height)
    return problems


def _geometry_problems(name: str, width: int, height: int) -> list[Problem]:
    if min(width, height) < MIN_PICTURE_SIDE:
        message = f"The picture is {width} × {height} px; each side must be at least {MIN_PICTURE_SIDE} px."
        least = {"min_width": MIN_PICTURE_SIDE, "min_height": MIN_PICTURE_SIDE}
        return [Problem(name, "image_too_small", message, least)]
    ratio = width / height
    if not MIN_PICTURE_RATIO <= ratio <= MAX_PICTURE_RATIO:
        message = (
            f"The picture is {width} × {height} px, a ratio of {ratio:.2f}; "
            f"width divided by height must be between {MIN_PICTURE_RATIO} and {MAX_PICTURE_RATIO}. Crop it first."
        )
        return [Problem(name, "image_ratio_out_of_range", message, {"ge": MIN_PICTURE_RATIO, "le": MAX_PICTURE_RATIO})]
    return []


def _problem(details: ErrorDetails) -> Problem:  # noqa: PLR0911 - one return a type of error
    """pydantic's error as fal names it (docs.fal.ai/errors) and as a person reads it."""
    name = str(details["loc"][0])
    ctx = {key: value for key, value in details.get("ctx", {}).items() if key != "error"}
    match details["type"]:
        case "missing":
            return Problem(name, "missing", "This is required.")
        case "value_error":
            return Problem(name, "sequence_too_short", "Write what the video should show.", {"min_length": 1})
        case "string_too_long":
            over = f"It has {len(details['input']):,} characters; use at most {ctx['max_length']:,}."
            return Problem(name, "sequence_too_long", over, ctx)
        case "string_unicode" as type_:
            return Problem(name, type_, "The text has characters that can’t be kept, such as null. Take them out.")
        case "enum":
            expected = list(Duration) if name == "duration" else list(AspectRatio)
            message = f"Choose {', '.join(expected[:-1])} or {expected[-1]}."
            return Problem(name, "one_of", message, {"expected": [str(value) for value in expected]})
        case "greater_than_equal" | "less_than_equal" as type_:
            return Problem(name, type_, "Choose a number from 0 to 1.", ctx)
        case "string_pattern_mismatch":
            return Problem(name, "image_load_error", "Give a web address that starts with https://.")
        case "float_parsing" | "float_type" | "finite_number" as type_:
            return Problem(name, type_, "Choose a number from 0 to 1.")
        case type_:
            return Problem(name, type_, details["msg"], ctx)
