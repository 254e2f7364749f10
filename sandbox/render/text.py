"""Draw text on a picture: the prompt, wrapped and legible on any background."""

from dataclasses import dataclass
from typing import Final

import av
from PIL import Image, ImageDraw, ImageFilter, ImageFont

MAX_LINES: Final = 5
LUMA_WHITE: Final = 235
LUMA_BLACK: Final = 16
CHROMA_NEUTRAL: Final = 128

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def strip_unprintable(text: str) -> str:
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


def _fit_text(text: str, width: float, short_side: int) -> tuple[list[str], int]:
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
    """What is pasted on one plane: `value` through `mask`, from row `top` down to the frame's foot."""

    value: int
    top: int
    mask: Image.Image


class TextOverlay:
    """The prompt and a small caption, laid out once and then pasted on every frame's planes."""

    def __init__(self, prompt: str, caption: str, size: tuple[int, int]) -> None:
        text, top = _draw_text(strip_unprintable(prompt), caption, size)
        shadow = text.filter(ImageFilter.GaussianBlur(min(size) / 90)).point(lambda value: min(255, value * 2) * 2 // 3)
        half = text.resize((text.width // 2, text.height // 2), Image.Resampling.BOX)
        neutral = _Layer(CHROMA_NEUTRAL, top // 2, half)
        self._layers = (
            (_Layer(LUMA_BLACK, top, shadow), _Layer(LUMA_WHITE, top, text)),
            (neutral,),
            (neutral,),
        )

    def write_on(self, frame: av.VideoFrame) -> None:
        """Paste the words on a yuv420p frame, in place."""
        for plane, layers in zip(frame.planes, self._layers, strict=True):
            top, stride = layers[0].top, plane.line_size
            rows = memoryview(plane)[top * stride :]
            picture = Image.frombytes("L", (plane.width, plane.height - top), rows, "raw", "L", stride, 1)
            for layer in layers:
                picture.paste(layer.value, (0, 0, *picture.size), layer.mask)
            rows[:] = picture.tobytes("raw", "L", stride, 1)


def _draw_text(prompt: str, caption: str, size: tuple[int, int]) -> tuple[Image.Image, int]:
    """The words as a mask as wide as the frame, and the row (an even one) where it begins."""
    width, height = size
    margin = min(size) // 14
    lines, font_size = _fit_text(prompt, width - 2 * margin, min(size))
    step = round(font_size * 1.32)
    small = max(font_size // 2, 10)
    area = (width, (len(lines) * step + 3 * small + 2 * margin) // 2 * 2)
    mask = Image.new("L", area)
    draw = ImageDraw.Draw(mask)
    for number, line in enumerate(lines):
        draw.text((margin, margin + number * step), line, fill=255, font=ImageFont.load_default(size=font_size))
    draw.text((margin, margin + len(lines) * step + small), caption, fill=170, font=ImageFont.load_default(size=small))
    return mask, height - area[1]
