"""Variables in prompts: `{product}` is to be filled in, `{season: winter|summer}` brings its choices along.

The rules, for people who write braces for other reasons too, such as JSON:

- A name begins with a letter and goes on with letters, digits, `_` and `-`, 40 characters at most. Upper and lower case
  are told apart. Spaces are allowed around the name, the colon and the choices, line ends are not.
- A list has two different choices or more, between `|`; blank ones do not count. `{a: 1}` is text.
- The same name twice is one variable; it has the choices of all its lists.
- What would be a variable and stands in doubled braces is text: `{{product}}` says `{product}`. So each pair of pairs
  around it is one pair: `{{{product}}}` says the value in braces.
- Everything else in braces is text as it stands, single or doubled: `{"a": {"b": 1}}` needs nothing done to it.
- A value goes in as it is: braces in it are text.

Imports nothing of this project.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

MAX_NAME: Final = 40
# the run of braces is only looked at from its beginning, so that a long one takes no longer than its length
_TOKEN: Final = re.compile(
    r"(?<!\{)(?P<open>\{++)[ \t]*+(?P<name>[^\W\d_][\w-]{0,39})[ \t]*+(?::(?P<choices>[^{}\r\n]*+))?(?P<close>\}++)"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """Without `choices` it is to be filled in."""

    name: str
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As a prompt has it, without the braces."""
        return f"{self.name}: {'|'.join(self.choices)}" if self.choices else self.name


def variables_of(*texts: str) -> list[Variable]:
    """Those of all the texts together, in the order in which they come first."""
    found: dict[str, dict[str, None]] = {}
    for text in texts:
        for match in _TOKEN.finditer(text):
            if _is_variable(match):
                found.setdefault(match["name"], {}).update(dict.fromkeys(_choices(match)))
    return [Variable(name, tuple(choices)) for name, choices in found.items()]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text that a video is made of. Raises KeyError for a variable without a value."""
    return _TOKEN.sub(lambda match: _filled(match, values), text)


def escape(text: str) -> str:
    """The prompt that says this text and has no variables."""
    return _TOKEN.sub(_doubled, text)


def split_values(text: str) -> list[str]:
    """Values as people type them: one a line, or with `|` between them; each once."""
    return _distinct(re.split(r"[|\r\n]", text))


def count_combinations(names: Sequence[str], values: Mapping[str, Sequence[str]]) -> int:
    return prod(len(values[name]) for name in names)


def combinations(names: Sequence[str], values: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Each value of each variable with each of the others; the last variable changes first."""
    for combination in product(*(values[name] for name in names)):
        yield dict(zip(names, combination, strict=True))


def _pairs(match: re.Match[str]) -> int:
    """How many pairs of braces stand around the name."""
    return min(len(match["open"]), len(match["close"]))


def _choices(match: re.Match[str]) -> list[str]:
    return _distinct((match["choices"] or "").split("|"))


def _is_candidate(match: re.Match[str]) -> bool:
    """Whether it would be a variable with one pair of braces."""
    return match["choices"] is None or len(_choices(match)) > 1


def _is_variable(match: re.Match[str]) -> bool:
    return _pairs(match) % 2 == 1 and _is_candidate(match)


def _filled(match: re.Match[str], values: Mapping[str, str]) -> str:
    if not _is_candidate(match):
        return match[0]
    pairs = _pairs(match)
    inside = values[match["name"]] if pairs % 2 else match[0][len(match["open"]) : -len(match["close"])]
    return _in_braces(match, inside, pairs // 2 - pairs)


def _doubled(match: re.Match[str]) -> str:
    if not _is_candidate(match):
        return match[0]
    return _in_braces(match, match[0][len(match["open"]) : -len(match["close"])], _pairs(match))


def _in_braces(match: re.Match[str], inside: str, more: int) -> str:
    """In as many as it stands in, and `more` pairs."""
    return "{" * (len(match["open"]) + more) + inside + "}" * (len(match["close"]) + more)


def _distinct(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))
