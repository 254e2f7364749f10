"""Words on a picture: the prompt, wrapped and legible on whatever lies behind it."""

from dataclasses import dataclass
from typing import Final

import av
from PIL import Image, ImageDraw, ImageFilter, ImageFont

MAX_LINES: Final = 5
LUMA_WHITE: Final = 235
LUMA_BLACK: Final = 16
CHROMA_NEUTRAL: Final = 128

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Box = tuple[int, int, int, int]


def printable(text: str) -> str:
    """`text` on one line, without what no font can draw (control characters, halves of surrogate pairs)."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(character if character.isprintable() else " " for character in whole).split())


def wrap(text: str, font: Font, width: float) -> list[str]:
    """`text` in lines of at most `width` px; words longer than a line (or scripts without spaces) are broken."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        pieces = _pieces(word, font, width)
        lines += pieces if lines[-1] else [*pieces]
    return [line for line in lines if line]


def _pieces(word: str, font: Font, width: float) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and font.getlength(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _fitted(text: str, width: float, short_side: int) -> tuple[list[str], int]:
    """Lines and font size: the largest of three sizes that needs no more than MAX_LINES, else cut with an ellipsis."""
    lines: list[str] = []
    size = 0
    for divisor in (18, 22, 27):
        size = max(short_side // divisor, 10)
        lines = wrap(text, ImageFont.load_default(size=size), width)
        if len(lines) <= MAX_LINES:
            return lines, size
    return [*lines[: MAX_LINES - 1], lines[MAX_LINES - 1][:-1].rstrip(" ,.;") + "…"], size


@dataclass(frozen=True, slots=True)
class _Layer:
    """What is pasted on one plane: `value` through `mask` at `box`."""

    value: int
    box: Box
    mask: Image.Image


class Lettering:
    """The prompt and a small caption, laid out once and then pasted on every frame's planes."""

    def __init__(self, prompt: str, caption: str, size: tuple[int, int]) -> None:
        text, box = _drawn(printable(prompt), caption, size)
        shadow = text.filter(ImageFilter.GaussianBlur(min(size) / 90)).point(lambda value: min(255, value * 2) * 2 // 3)
        half_box = (box[0] // 2, box[1] // 2, box[2] // 2, box[3] // 2)
        half = text.resize((text.width // 2, text.height // 2), Image.Resampling.BOX)
        neutral = _Layer(CHROMA_NEUTRAL, half_box, half)
        self._layers = (
            (_Layer(LUMA_BLACK, box, shadow), _Layer(LUMA_WHITE, box, text)),
            (neutral,),
            (neutral,),
        )

    def write_on(self, frame: av.VideoFrame) -> None:
        """Paste the words on a yuv420p frame, in place."""
        for plane, layers in zip(frame.planes, self._layers, strict=True):
            picture = Image.frombytes("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)
            for layer in layers:
                picture.paste(layer.value, layer.box, layer.mask)
            plane.update(picture.tobytes("raw", "L", plane.line_size, 1))


def _drawn(prompt: str, caption: str, size: tuple[int, int]) -> tuple[Image.Image, Box]:
    """The words as a mask, and where it lies in the frame (bottom left, even numbers)."""
    width, height = size
    margin = min(size) // 14
    lines, font_size = _fitted(prompt, width - 2 * margin, min(size))
    step = round(font_size * 1.32)
    small = max(font_size // 2, 10)
    area = (width, (len(lines) * step + 3 * small + 2 * margin) // 2 * 2)
    mask = Image.new("L", area)
    draw = ImageDraw.Draw(mask)
    for number, line in enumerate(lines):
        draw.text((margin, margin + number * step), line, fill=255, font=ImageFont.load_default(size=font_size))
    draw.text((margin, margin + len(lines) * step + small), caption, fill=170, font=ImageFont.load_default(size=small))
    return mask, (0, height - area[1], width, height)
