"""Prompt rules (words, phrases and patterns) and banned files, by their hashes."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Func, IntegerField, OuterRef, Q, TextField
from django.db.models.lookups import Exact, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from generations.models.generation import Generation

# of the 64 bits of two perceptual hashes that may differ; saving and scaling again changes up to 4, another picture
# 20 and more
MAX_HAMMING_DISTANCE: Final = 6


class PromptRule(models.Model):
    class Kind(models.TextChoices):
        WORD = "word", _("Word: as a whole word")
        PHRASE = "phrase", _("Phrase: words in this order")
        PATTERN = "pattern", _("Pattern: a regular expression")

    class Action(models.TextChoices):
        """From the mildest to the strictest."""

        FLAG = "flag", _("Flag: it is made, and moderators see it")
        HOLD = "hold", _("Hold: it waits for a moderator, its money is held, nothing is sent")
        BLOCK = "block", _("Block: it is refused, nothing is spent")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.WORD)
    text = models.CharField(_("text"), max_length=500)
    action = models.CharField(_("action"), max_length=10, choices=Action, default=Action.FLAG)
    message = models.CharField(
        _("message"), max_length=300, blank=True, help_text=_("For the person who wrote it; a plain one without it.")
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("team"),
        help_text=_("Empty: the whole site."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    made_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-made_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="prompt_rule_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.text} ({self.get_action_display().partition(':')[0].lower()})"


class Flag(models.Model):
    """That a rule has hit a prompt which was made all the same."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="flags")
    rule = models.ForeignKey(PromptRule, on_delete=models.SET_NULL, null=True, related_name="+")
    matched_text = models.CharField(_("what hit"), max_length=500)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    def __str__(self) -> str:
        """Without the words, which are of a prompt that may be private."""
        return f"{self.generation_id}, {self.at:%Y-%m-%d %H:%M}"


class _Bits(Func):
    """64 bits of 16 digits in hexadecimal."""

    template = "('x' || %(expressions)s)::bit(64)"
    output_field = TextField()


class _HammingDistance(Func):
    function = "bit_count"
    arg_joiner = " # "
    output_field = IntegerField()

    def __init__(self, *hashes: object) -> None:
        super().__init__(*map(_Bits, hashes))


class BannedFileManager(models.Manager["BannedFile"]):
    def of_picture(self, sha256: OuterRef, perceptual_hash: OuterRef) -> models.QuerySet["BannedFile"]:
        """The bans of a row with these columns: of its bytes, or of a picture that looks like it."""
        distance = _HammingDistance(F("perceptual_hash"), perceptual_hash)
        is_alike = (
            ~Q(perceptual_hash="") & ~Q(Exact(perceptual_hash, "")) & LessThanOrEqual(distance, MAX_HAMMING_DISTANCE)
        )
        return self.filter(Q(sha256=sha256) | is_alike)


class BannedFile(models.Model):
    """A file that may not come back: a picture by its bytes or its perceptual hash, a video by its bytes."""

    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    perceptual_hash = models.CharField(
        _("perceptual hash"), max_length=16, blank=True, help_text=_("Of pictures: 64 bits in hexadecimal.")
    )
    reason = models.CharField(_("reason"), max_length=300)
    generation = models.ForeignKey(
        Generation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("found in")
    )
    made_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    objects: ClassVar[BannedFileManager] = BannedFileManager()

    class Meta:
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.sha256[:12]}… {self.reason[:40]}"
