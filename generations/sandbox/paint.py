"""The picture behind a text prompt: drifting lights out of focus, in colours that the prompt's hash chooses."""

import math
import random
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageColor

SPRITE: Final = 256  # px of a sprite's round part
RIM: Final = 64  # px of nothing around it, so that it can be shifted by parts of a pixel

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


def _sprite(*, ring: bool) -> Image.Image:
    """A round light as a mask: a soft glow, or the flat disc with a brighter rim that a lens draws out of focus."""
    distance = Image.radial_gradient("L")  # 0 in the middle, 255 in the corners, about 180 at the sides
    side = 180

    def glow(value: float) -> float:
        return 255 * math.pow(0.5 + 0.5 * math.cos(math.pi * min(value / side, 1)), 1.5)

    def disc(value: float) -> float:
        edge = min(max((side - 6 - value) / 8, 0), 1)
        return edge * (120 + 135 * min(value / side, 1) ** 6)

    shape = distance.point([round((disc if ring else glow)(value)) for value in range(256)])
    sprite = Image.new("L", (SPRITE + 2 * RIM, SPRITE + 2 * RIM))
    sprite.paste(shape, (RIM, RIM))
    return sprite


def _stamp(canvas: Image.Image, colour: Colour, sprite: Image.Image, x: float, y: float, diameter: float) -> None:
    """Paste a round light centred on (x, y), exact to parts of a pixel, so that slow lights glide and don't hop."""
    left, top = x - diameter / 2, y - diameter / 2
    at = (math.floor(left) - 1, math.floor(top) - 1)
    pixels = math.ceil(diameter) + 3
    scale = SPRITE / diameter
    begin_x, begin_y = RIM - (left - at[0]) * scale, RIM - (top - at[1]) * scale
    end = SPRITE + 2 * RIM
    box = (begin_x, begin_y, min(begin_x + pixels * scale, end), min(begin_y + pixels * scale, end))
    mask = sprite.resize((pixels, pixels), Image.Resampling.BILINEAR, box)
    canvas.paste(colour, (*at, at[0] + pixels, at[1] + pixels), mask)


@dataclass(frozen=True, slots=True)
class _Light:
    """One light on its way; places and sizes are parts of the canvas, speeds are turns or heights a second."""

    colour: Colour
    sprite: Image.Image
    x: float
    y: float
    diameter: float
    sway: tuple[float, float]
    turns: tuple[float, float]
    phase: float
    rise: float = 0.0

    def draw_on(self, canvas: Image.Image, seconds: float) -> None:
        width, height = canvas.size
        angle = 2 * math.pi
        diameter = self.diameter * min(canvas.size)
        x = self.x + self.sway[0] * math.sin(angle * (self.turns[0] * seconds + self.phase))
        y = self.y + self.sway[1] * math.cos(angle * (self.turns[1] * seconds + self.phase * 1.7))
        if self.rise:
            room = diameter / height
            y = (y - self.rise * seconds + room / 2) % (1 + room) - room / 2
        _stamp(canvas, self.colour, self.sprite, x * width, y * height, diameter)


class Lights:
    """The moving picture that `seed` stands for. It is drawn at half size; whoever asks enlarges it."""

    def __init__(self, seed: str, size: tuple[int, int]) -> None:
        chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
        palette = [ImageColor.getrgb(colour) for colour in chance.choice(PALETTES)]
        self._size = (size[0] // 2, size[1] // 2)
        self._ground = _gradient(palette[0], palette[1], (size[0] // 4, size[1] // 4))
        glow, ring = _sprite(ring=False), _sprite(ring=True)
        self._glows = [_glow(chance, palette[2 + number % 4], glow) for number in range(7)]
        self._discs = [_disc(chance, palette[2 + number % 4], ring) for number in range(26)]
        self._shade = _shade(self._size)

    def at(self, seconds: float) -> Image.Image:
        ground = self._ground.copy()
        for light in self._glows:
            light.draw_on(ground, seconds)
        picture = ground.resize(self._size, Image.Resampling.BILINEAR)
        for light in self._discs:
            light.draw_on(picture, seconds)
        picture.paste((0, 0, 0), (0, 0, *self._size), self._shade)
        return picture


def _gradient(above: Colour, below: Colour, size: tuple[int, int]) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), ramp)


def _glow(chance: random.Random, colour: Colour, sprite: Image.Image) -> _Light:
    strength = chance.uniform(0.45, 0.8)
    return _Light(
        colour=colour,
        sprite=sprite.point([round(value * strength) for value in range(256)]),
        x=chance.uniform(0.05, 0.95),
        y=chance.uniform(0.05, 0.85),
        diameter=chance.uniform(0.7, 1.5),
        sway=(chance.uniform(0.05, 0.22), chance.uniform(0.05, 0.22)),
        turns=(chance.choice((-1, 1)) * chance.uniform(0.04, 0.1), chance.uniform(0.04, 0.1)),
        phase=chance.random(),
    )


def _disc(chance: random.Random, colour: Colour, sprite: Image.Image) -> _Light:
    depth = chance.random() ** 1.6  # most are small and far away
    strength = chance.uniform(0.12, 0.5) * (1 - 0.55 * depth)
    return _Light(
        colour=tuple(round(part + (255 - part) * 0.35) for part in colour),
        sprite=sprite.point([round(value * strength) for value in range(256)]),
        x=chance.uniform(-0.02, 1.02),
        y=chance.random(),
        diameter=0.03 + 0.2 * depth,
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
