"""Draw the picture behind a text prompt: drifting lights out of focus, in colours from the prompt's hash."""

import math
import random
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageColor

RIM: Final = 2  # px of nothing around a sprite, so that it can be shifted by parts of a pixel

# Each palette: the night behind (above, below), then the lights.
PALETTES: Final = (
    ("#0b1026", "#2b1055", "#7597de", "#e26ee5", "#49108b", "#ffd36e"),  # dusk
    ("#03141f", "#053b50", "#64ccc5", "#176b87", "#f8f1c8", "#2dd4bf"),  # lagoon
    ("#1a0b0b", "#4a1420", "#ff8c42", "#ff3c38", "#a23e48", "#fff275"),  # ember
    ("#07130d", "#123524", "#3e7b27", "#85a947", "#efe3c2", "#36c98f"),  # forest
    ("#120a24", "#3d0e61", "#ff5fa2", "#8f43ee", "#2d2778", "#5ce1e6"),  # neon
    ("#0d1321", "#1d2d44", "#748cab", "#f0ebd8", "#c9a227", "#3e5c76"),  # brass
)

Colour = tuple[int, ...]


def _shape(*, ring: bool) -> Image.Image:
    """A round light as a mask: a soft glow, or the flat disc with a brighter rim that a lens draws out of focus."""
    distance = Image.radial_gradient("L")  # 0 in the middle, about 180 at the sides
    side = 180

    def glow(value: float) -> float:
        return 255 * math.pow(0.5 + 0.5 * math.cos(math.pi * min(value / side, 1)), 1.5)

    def disc(value: float) -> float:
        edge = min(max((side - 6 - value) / 8, 0), 1)
        return edge * (120 + 135 * min(value / side, 1) ** 6)

    return distance.point([round((disc if ring else glow)(value)) for value in range(256)])


def _sprite(shape: Image.Image, strength: float, diameter: int) -> Image.Image:
    """The shape at its size and strength, with RIM px of nothing around it."""
    sprite = Image.new("L", (diameter + 2 * RIM, diameter + 2 * RIM))
    small = shape.resize((diameter, diameter), Image.Resampling.BICUBIC)
    sprite.paste(small.point([round(value * strength) for value in range(256)]), (RIM, RIM))
    return sprite


@dataclass(frozen=True, slots=True)
class _Light:
    """One light on its way; places are parts of the canvas, speeds are turns or heights a second."""

    colour: Colour
    sprite: Image.Image
    x: float
    y: float
    sway: tuple[float, float]
    turns: tuple[float, float]
    phase: float
    rise: float = 0.0

    def draw_on(self, canvas: Image.Image, seconds: float) -> None:
        width, height = canvas.size
        angle = 2 * math.pi
        x = self.x + self.sway[0] * math.sin(angle * (self.turns[0] * seconds + self.phase))
        y = self.y + self.sway[1] * math.cos(angle * (self.turns[1] * seconds + self.phase * 1.7))
        if self.rise:
            room = self.sprite.height / height
            y = (y - self.rise * seconds + room / 2) % (1 + room) - room / 2
        _stamp(canvas, self.colour, self.sprite, x * width, y * height)


def _stamp(canvas: Image.Image, colour: Colour, sprite: Image.Image, x: float, y: float) -> None:
    """Paste a light centred on (x, y), exact to parts of a pixel, so that slow lights glide and don't hop."""
    pixels = sprite.width - 1
    left, top = x - pixels / 2, y - pixels / 2
    at = (math.floor(left), math.floor(top))
    begin = (1 - (left - at[0]), 1 - (top - at[1]))
    box = (*begin, begin[0] + pixels, begin[1] + pixels)
    mask = sprite.resize((pixels, pixels), Image.Resampling.BILINEAR, box)
    canvas.paste(colour, (*at, at[0] + pixels, at[1] + pixels), mask)


class Lights:
    """The moving picture that `seed` stands for. It is drawn at half size; the caller enlarges it."""

    def __init__(self, seed: str, size: tuple[int, int]) -> None:
        chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
        palette = [ImageColor.getrgb(colour) for colour in chance.choice(PALETTES)]
        self._size = (size[0] // 2, size[1] // 2)
        self._ground = _gradient(palette[0], palette[1], (size[0] // 8, size[1] // 8))
        glow, ring = _shape(ring=False), _shape(ring=True)
        small, half = min(self._ground.size), min(self._size)
        self._glows = [_glow(chance, palette[2 + number % 4], glow, small) for number in range(7)]
        self._discs = [_disc(chance, palette[2 + number % 4], ring, half) for number in range(26)]
        self._shade = _shade(self._size)

    def at(self, seconds: float) -> Image.Image:
        ground = self._ground.copy()
        for light in self._glows:
            light.draw_on(ground, seconds)
        picture = ground.resize(self._size, Image.Resampling.BICUBIC)
        for light in self._discs:
            light.draw_on(picture, seconds)
        picture.paste((0, 0, 0), (0, 0, *self._size), self._shade)
        return picture


def _gradient(above: Colour, below: Colour, size: tuple[int, int]) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), ramp)


def _glow(chance: random.Random, colour: Colour, shape: Image.Image, side: int) -> _Light:
    return _Light(
        colour=colour,
        sprite=_sprite(shape, chance.uniform(0.5, 0.85), round(chance.uniform(0.7, 1.5) * side)),
        x=chance.uniform(0.05, 0.95),
        y=chance.uniform(0.05, 0.85),
        sway=(chance.uniform(0.05, 0.22), chance.uniform(0.05, 0.22)),
        turns=(chance.choice((-1, 1)) * chance.uniform(0.04, 0.1), chance.uniform(0.04, 0.1)),
        phase=chance.random(),
    )


def _disc(chance: random.Random, colour: Colour, shape: Image.Image, side: int) -> _Light:
    depth = chance.random() ** 1.6  # most are small and far away
    strength = chance.uniform(0.18, 0.6) * (1 - 0.5 * depth)
    return _Light(
        colour=tuple(round(part + (255 - part) * 0.35) for part in colour),
        sprite=_sprite(shape, strength, round((0.03 + 0.2 * depth) * side)),
        x=chance.uniform(-0.02, 1.02),
        y=chance.random(),
        sway=(0.01 + 0.03 * depth, 0.01),
        turns=(chance.uniform(0.03, 0.12), chance.uniform(0.03, 0.12)),
        phase=chance.random(),
        rise=0.008 + 0.03 * depth,
    )


def _shade(size: tuple[int, int]) -> Image.Image:
    """Darker corners, and a darker foot for the words to stand on."""
    corners = Image.radial_gradient("L").point([round(110 * (value / 255) ** 2.5) for value in range(256)])
    foot = Image.linear_gradient("L").point([round(150 * max(value / 255 - 0.45, 0) / 0.55) for value in range(256)])
    shade = Image.new("L", corners.size)
    shade.paste(corners)
    shade.paste(255, (0, 0, *corners.size), foot)
    return shade.resize(size, Image.Resampling.BICUBIC)
