"""Convert colours to sRGB: from an ICC profile, or from the code points of ITU-T H.273.

LittleCMS converts; code points become a profile first. HDR is mapped to the range of an ordinary screen as Chromium
does it, so that a picture looks like the one that the user has seen. Imports nothing of this project.
"""

import math
import struct
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from typing import Final, cast

from PIL import Image, ImageCms, ImageFilter

Transform = Callable[[Image.Image], Image.Image]  # to sRGB, as an RGB image of its own

_Triple = tuple[float, float, float]
_Matrix = tuple[_Triple, _Triple, _Triple]

UNSPECIFIED: Final = 2
SRGB: Final = 13  # as primaries those of BT.709 are its own
BT709_CURVES: Final = {1, 6, 14, 15}  # one and the same transfer function
_LINEAR, _PQ, _HLG = 8, 16, 18
_EXPONENTS: Final = {4: 2.2, 5: 2.8, _LINEAR: 1.0, **dict.fromkeys(BT709_CURVES, 2.4)}  # BT.709's on a screen: BT.1886

# x and y of red, green and blue; browsers take what is not here, such as SMPTE 170M, for BT.709
_PRIMARIES: Final = {
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
BT709: Final = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
D65: Final = (0.3127, 0.3290)
_D50: Final[_Triple] = (0.9642, 1.0, 0.8249)  # of every ICC profile
_BRADFORD: Final[_Matrix] = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_CURVE: Final = 1024  # points

_WHITE: Final = 203.0  # cd/m² of white on paper (ITU-R BT.2408)
_PEAK: Final = 1000.0 / _WHITE  # the brightest that HDR is taken to show
_PAPER: Final = 0.5  # what white on paper becomes, so that there is room for what is brighter
_BEND: Final = 0.65  # how early the curve above it bends (SMPTE ST 2094-50, reference white)
_CUBE: Final = 33  # points a side

_SRGB_PROFILE: Final = ImageCms.createProfile("sRGB")
_STEPS: Final = range(0, 256, 51)
_PROBES: Final = bytes(value for red in _STEPS for green in _STEPS for blue in _STEPS for value in (red, green, blue))


def shows_as_is(primaries: int, transfer: int) -> bool:
    """Whether browsers show RGB with these code points as if it were sRGB."""
    return primaries not in _PRIMARIES and transfer not in {*_EXPONENTS, _PQ, _HLG}


def from_code_points(primaries: int, transfer: int) -> Transform:
    """Of RGB images with these primaries and transfer function."""
    if shows_as_is(primaries, transfer):
        return _identity
    points = _PRIMARIES.get(primaries, BT709)
    if transfer not in {_PQ, _HLG}:
        return from_profile(_profile(points, D65, _curve_of(transfer)))
    darker = _tone_map(transfer)
    to_srgb = from_profile(_profile(points, D65, _srgb_curve())) if primaries in _PRIMARIES else _identity
    return lambda image: to_srgb(image.filter(darker))


def from_gamma(exponent: float, points: tuple[float, ...], white: tuple[float, float]) -> Transform:
    """Of RGB images with a plain exponent; x and y of the three primaries, and of white."""
    return from_profile(_profile(points, white, _exponent_curve(exponent)))


def from_profile(profile: bytes, mode: str = "RGB") -> Transform:
    """Of images in `mode`. Raises ImageCms.PyCMSError when the profile is broken, or meant for another mode."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    transform = ImageCms.buildTransform(source, _SRGB_PROFILE, mode, "RGB", intent, flags)
    return lambda image: cast("Image.Image", ImageCms.applyTransform(image, transform))


def changes_nothing(transform: Transform) -> bool:
    """Whether it moves no colour of RGB by more than one step."""
    probes = Image.frombytes("RGB", (len(_PROBES) // 3, 1), _PROBES)
    return all(abs(one - other) <= 1 for one, other in zip(_PROBES, transform(probes).tobytes(), strict=True))


def _identity(image: Image.Image) -> Image.Image:
    return image


# --- profiles: ICC.1:2001-04, three colorants and one curve


@cache
def _profile(points: tuple[float, ...], white: tuple[float, float], curve: bytes) -> bytes:
    colorants = _colorants(points, white)
    columns = _transpose(colorants)
    tags = [(b"wtpt", _xyz(_D50)), *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, columns), strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + b"".join(map(_fixed, _D50))
    return header.ljust(128, b"\0") + table + body


def _colorants(points: tuple[float, ...], white: tuple[float, float]) -> _Matrix:
    """RGB to XYZ, so that the primaries make `white` together, adapted to D50 (Bradford)."""
    primaries = [_from_xy(*points[start : start + 2]) for start in (0, 2, 4)]
    amounts = _solve(_transpose(primaries), _from_xy(*white))
    seen, wanted = _multiply(_BRADFORD, _from_xy(*white)), _multiply(_BRADFORD, _D50)
    adapted = []
    for primary, amount in zip(primaries, amounts, strict=True):
        cones = _multiply(_BRADFORD, _scale(primary, amount))
        adapted.append(_solve(_BRADFORD, cast("_Triple", tuple(map(lambda c, s, w: c * w / s, cones, seen, wanted)))))
    return _transpose(adapted)


def _from_xy(x: float, y: float) -> _Triple:
    return x / y, 1.0, (1 - x - y) / y


def _multiply(matrix: _Matrix, vector: _Triple) -> _Triple:
    return cast("_Triple", tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix))


def _transpose(rows: Sequence[_Triple]) -> _Matrix:
    return cast("_Matrix", tuple(zip(*rows, strict=True)))


def _scale(vector: _Triple, by: float) -> _Triple:
    return vector[0] * by, vector[1] * by, vector[2] * by


def _solve(matrix: _Matrix, result: _Triple) -> _Triple:
    """The vector that `matrix` makes `result` of, by Cramer's rule."""
    whole = _determinant(matrix)
    columns = list(_transpose(matrix))
    replaced = (_transpose((*columns[:place], result, *columns[place + 1 :])) for place in range(3))
    return cast("_Triple", tuple(_determinant(each) / whole for each in replaced))


def _determinant(matrix: _Matrix) -> float:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(vector: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, vector))


def _curve_of(transfer: int) -> bytes:
    exponent = _EXPONENTS.get(transfer)
    return _srgb_curve() if exponent is None else _exponent_curve(exponent)


@cache
def _exponent_curve(exponent: float) -> bytes:
    return _curve(lambda value: value**exponent)


@cache
def _srgb_curve() -> bytes:
    return _curve(lambda value: value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _curve(light: Callable[[float], float]) -> bytes:
    values = [round(65535 * light(step / (_CURVE - 1))) for step in range(_CURVE)]
    return b"curv" + bytes(4) + struct.pack(f">I{_CURVE}H", _CURVE, *values)


# --- HDR: light where 1.0 is white on paper


@cache
def _tone_map(transfer: int) -> ImageFilter.Color3DLUT:
    """Coded HDR to coded SDR with the same primaries: darker by one factor for all three, which keeps the hue."""
    light = _pq_light if transfer == _PQ else _hlg_light

    def mapped(red: float, green: float, blue: float) -> _Triple:
        lights = light(red, green, blue)
        return cast("_Triple", tuple(map(_encode_srgb, _scale(lights, _tone_factor(max(lights))))))

    return ImageFilter.Color3DLUT.generate(_CUBE, mapped)


def _pq_light(red: float, green: float, blue: float) -> _Triple:
    return _pq(red), _pq(green), _pq(blue)


@cache
def _pq(value: float) -> float:
    """SMPTE ST 2084."""
    power = math.pow(value, 4096 / 2523 / 128)
    linear = max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)
    return 10000 / _WHITE * math.pow(linear, 16384 / 2610)


def _hlg_light(red: float, green: float, blue: float) -> _Triple:
    """ITU-R BT.2100, on a display of 1000 cd/m²."""
    scene = _hlg(red), _hlg(green), _hlg(blue)
    brightness = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    return _scale(scene, _PEAK * brightness**0.2)


@cache
def _hlg(value: float) -> float:
    return value**2 / 3 if value <= 0.5 else (math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12


def _tone_factor(brightest: float) -> float:
    """The factor: a straight line to white on paper, then a curve through three points to the peak."""
    if brightest <= 1.0:
        return _PAPER
    if brightest >= _PEAK:
        return 1.0 / brightest
    middle = (1 - _BEND) + _BEND / _PAPER, (1 - _BEND) * _PAPER + _BEND
    # Bézier: brightest = (1-t)² + 2t(1-t) middle + t² peak
    a, b, c = 1 - 2 * middle[0] + _PEAK, 2 * (middle[0] - 1), 1 - brightest
    t = 2 * c / (-b - math.sqrt(b * b - 4 * a * c))
    return ((1 - t) ** 2 * _PAPER + 2 * t * (1 - t) * middle[1] + t * t) / brightest


def _encode_srgb(light: float) -> float:
    if light >= 1.0:
        return 1.0
    return 12.92 * light if light <= 0.0031308 else 1.055 * math.pow(light, 1 / 2.4) - 0.055
