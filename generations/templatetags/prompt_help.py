"""What the composer's help with a prompt offers. Prompts are English, which Kling knows best; labels are translated."""

from dataclasses import dataclass
from typing import Final

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generations import language_model
from generations.language_model import Rewriting

register = template.Library()

CAMERA_MOVES: Final[list[tuple[Promise, str]]] = [
    (_("Stands still"), "The camera stands still"),
    (_("Pushes in slowly"), "The camera slowly pushes in"),
    (_("Pulls back"), "The camera slowly pulls back"),
    (_("Pans left"), "The camera pans left"),
    (_("Pans right"), "The camera pans right"),
    (_("Tilts up"), "The camera tilts up"),
    (_("Tilts down"), "The camera tilts down"),
    (_("Follows the subject"), "A tracking shot: the camera follows the subject"),
    (_("Circles the subject"), "The camera orbits the subject"),
    (_("Rises like a crane"), "A crane shot: the camera rises"),
    (_("Flies over, as a drone"), "An aerial drone shot flies over the scene"),
    (_("Handheld"), "A handheld camera with slight shake"),
    (_("First person"), "A first-person point-of-view shot"),
    (_("Zooms in fast"), "A fast zoom in"),
]
LIGHTS: Final = [
    *("Golden hour, long shadows", "Soft overcast daylight", "Hard midday sun", "Blue hour after sunset"),
    *("Moonlight", "Neon signs at night, wet streets", "Candlelight", "Backlight with a bright rim", "Studio softbox"),
]


@dataclass(frozen=True, slots=True)
class Rewritings:
    """What a language model can do with the prompt, and at which host."""

    choices: list[tuple[str, Promise]]
    host: str


@register.simple_tag
def camera_moves() -> list[tuple[Promise, str]]:
    return CAMERA_MOVES


@register.simple_tag
def lights() -> list[str]:
    return LIGHTS


@register.simple_tag
def rewritings() -> Rewritings | None:
    """None where no language model is set up."""
    if not language_model.is_offered():
        return None
    return Rewritings([(one.value, one.label) for one in Rewriting], language_model.host())
