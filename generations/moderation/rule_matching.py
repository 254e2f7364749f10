"""Find the rules that a prompt breaks, among all active ones of the site and of the team."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import regex
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Team
from generations.models import PromptRule
from generations.moderation.text_normalization import Reading, fold_text, readings, squeeze

logger = logging.getLogger(__name__)

PATTERN_TIMEOUT: Final = 0.1  # then a pattern counts as a hit: a prompt that it chokes on may not slip through
STRICTNESS: Final = list(PromptRule.Action)


@dataclass(frozen=True, slots=True)
class Hit:
    """`words` is the part of the prompt that the rule is about, as the rule reads it."""

    rule: PromptRule
    matched_text: str


@dataclass(frozen=True, slots=True)
class MatchResult:
    hits: list[Hit]

    @property
    def action(self) -> PromptRule.Action | None:
        """The strictest that is asked for; None for a clean prompt."""
        actions = [PromptRule.Action(hit.rule.action) for hit in self.hits]
        return max(actions, key=STRICTNESS.index, default=None)

    def of(self, action: PromptRule.Action) -> list[Hit]:
        return [hit for hit in self.hits if hit.rule.action == action]


def rules_for(team: Team) -> list[PromptRule]:
    return list(PromptRule.objects.filter(Q(team=None) | Q(team=team), is_active=True).order_by("pk"))


def match_rules(rules: Iterable[PromptRule], *texts: str) -> MatchResult:
    """`texts` are a prompt and what may not be in the picture; each rule hits once at most."""
    read = [(text, readings(text)) for text in texts if text]
    found = ((rule, next(filter(None, (_match(rule, *each) for each in read)), None)) for rule in rules)
    return MatchResult([Hit(rule, words) for rule, words in found if words])


def message_for(hit: Hit) -> str:
    """What the person is told."""
    return hit.rule.message or _("The rules here do not allow “%s”. Change the prompt.") % hit.matched_text


def check_pattern(text: str) -> None:
    """Raises ValidationError for what is no regular expression, or takes too long on a plain text."""
    try:
        regex.compile(text)
        regex.search(text, "a" * 2000 + " " + "ab " * 300, timeout=PATTERN_TIMEOUT)
    except regex.error as error:
        raise ValidationError(_("This is no regular expression: %s.") % error) from None
    except TimeoutError:
        raise ValidationError(_("This pattern takes too long. Avoid one repetition inside another.")) from None


def _match(rule: PromptRule, text: str, words: list[Reading]) -> str:
    """The words that the rule hits; empty for none."""
    match rule.kind:
        case PromptRule.Kind.PATTERN:
            return _match_pattern(rule.text, [text, fold_text(text), _as_text(words)])
        case _:
            return _match_phrase([sorted(each, key=len)[0] for each in readings(rule.text)], words)


def _match_phrase(wanted: list[str], words: list[Reading]) -> str:
    for start in range(len(words) - len(wanted) + 1 if wanted else 0):
        there = words[start : start + len(wanted)]
        if all(word in each or f"~{squeeze(word)}" in each for word, each in zip(wanted, there, strict=True)):
            return " ".join(wanted)
    return ""


def _match_pattern(pattern: str, texts: list[str]) -> str:
    for text in texts:
        try:
            found = regex.search(pattern, text, flags=regex.IGNORECASE, timeout=PATTERN_TIMEOUT)
        except TimeoutError:
            logger.warning("The pattern %r takes too long", pattern)
            return pattern
        if found:
            return found[0][:200] or pattern
    return ""


def _as_text(words: list[Reading]) -> str:
    """The likeliest reading of each word: Latin letters before signs."""
    return " ".join(max(each, key=lambda word: (word.isascii() and word.isalpha(), word)) for each in words)
