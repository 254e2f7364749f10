"""Normalize a prompt for rules: undo simple evasion (case, accents, spacing, look-alike letters, lengthening).

Each token is a set of readings, since `1` can stand for i or l. Letters of other scripts are read as Latin only where
a word mixes scripts or looks Latin throughout, so that plain Russian or Greek stays itself as well.
"""

import re
import unicodedata
from itertools import product
from typing import Final

Reading = frozenset[str]

# letters that look like Latin ones (Unicode's confusables, the common ones), and signs that stand for letters
_CONFUSABLES: Final = str.maketrans(
    dict(zip("авекмнорстухіјѕԁһԛԝґαβεικνορτυχη", "abekmhopctyxijsdhqwrabeiknoptuxn", strict=True))
)
_SUBSTITUTES: Final = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "i", "|": "il",
}  # fmt: skip
_TOKEN: Final = re.compile(r"[^\W_]+(?:[@$!|]+[^\W_]+)*|[@$!|][^\W_]+(?:[@$!|]+[^\W_]+)*")
_LONG_RUN: Final = re.compile(r"(.)\1{2,}")
_RUNS: Final = re.compile(r"(.)\1+")
_MAX_READINGS: Final = 16


def fold_text(text: str) -> str:
    """Small letters without accents and invisible characters."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in decomposed if unicodedata.category(each) not in {"Mn", "Cf"})


def readings(text: str) -> list[Reading]:
    """One set of readings a word, in order. Letters that stand alone in a row make a word as well: b l o o d."""
    return [frozenset().union(*map(_read, token)) for token in _join_letters(_TOKEN.findall(fold_text(text)))]


def squeeze(word: str) -> str:
    """Without doubled letters: how a lengthened word is compared."""
    return _RUNS.sub(r"\1", word)


def _join_letters(tokens: list[str]) -> list[tuple[str, ...]]:
    """Each word's spellings. Of letters in a row the first can be a word of its own: a g u n."""
    words: list[tuple[str, ...]] = []
    row: list[str] = []
    for token in [*tokens, ""]:
        if len(token) == 1:
            row.append(token)
            continue
        words += [("".join(row), "".join(row[1:]))] if len(row) > 2 else [(letter,) for letter in row]
        row = []
        words += [(token,)] if token else []
    return words


def _read(token: str) -> Reading:
    found = {token, token.translate(_CONFUSABLES)}
    if any(sign in token for sign in _SUBSTITUTES) and any(each.isalpha() for each in token):
        choices = [_SUBSTITUTES.get(each, each) for each in token.translate(_CONFUSABLES)]
        found |= {"".join(reading) for reading, _ in zip(product(*choices), range(_MAX_READINGS), strict=False)}
    return frozenset(found | {f"~{squeeze(word)}" for word in found if _LONG_RUN.search(word)})
