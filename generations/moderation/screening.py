"""Screen orders and pictures: rules block, hold or flag; banned files may not come back."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from generations.exceptions import OrderRefusedError
from generations.models import BannedFile, Cause, Flag, Generation, Hold, InputPicture, PromptRule, Upload
from generations.moderation import image_hash
from generations.moderation.cases import open_case, requires_review
from generations.moderation.rule_matching import Hit, match_rules, message_for, rules_for
from generations.pictures import Picture


class PromptRefusedError(OrderRefusedError):
    """A rule blocks the prompt; its words are the rule's."""

    field = "prompt"


class BannedPictureError(OrderRefusedError):
    """The picture, or one that looks like it, was banned."""

    field = "start_file"


@dataclass(slots=True)
class ScreeningResult:
    """What is to be written with the rows of an order."""

    holds: list[Hold] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)

    def write(self) -> None:
        """In the transaction of the rows, once they are there. The holds are written by the caller."""
        Flag.objects.bulk_create(self.flags)
        for hold in self.holds:
            open_case(hold.generation, Cause.HOLD)
        for flag in {flag.generation_id: flag for flag in self.flags}.values():
            open_case(flag.generation, Cause.FLAG)


def screen(rows: list[Generation]) -> ScreeningResult:
    """Judge the prompts of an order. Raises PromptRefusedError; rows of a team that is reviewed first await that."""
    rules, found = rules_for(rows[0].team), ScreeningResult()
    for row in rows:
        verdict = match_rules(rules, row.prompt, row.negative_prompt)
        if blocks := verdict.of(PromptRule.Action.BLOCK):
            raise PromptRefusedError(message_for(blocks[0]))
        if holds := verdict.of(PromptRule.Action.HOLD):
            found.holds.append(_hold(row, holds[0]))
        found.flags += [
            Flag(generation=row, rule=hit.rule, matched_text=hit.matched_text[:500]) for hit in verdict.of(_FLAG)
        ]
        row.awaits_review = requires_review(row.team)
    return found


_FLAG = PromptRule.Action.FLAG


def refuse_banned(picture: Picture) -> None:
    """Raises BannedPictureError."""
    is_any = BannedFile.objects.exists()  # computing a perceptual hash takes its time
    if is_any:
        refuse_banned_looks(picture.sha256, image_hash.hash_image(picture.data))


def refuse_banned_looks(sha256: str, perceptual_hash: str) -> None:
    """Of a picture whose hashes were kept with it. Raises BannedPictureError."""
    if image_hash.find_ban(sha256, perceptual_hash):
        raise BannedPictureError(_("This picture may not be used here. Choose another one."))


def refuse_removed(pictures: Iterable[Upload | InputPicture]) -> None:
    """Of pictures that were kept before somebody removed them. Raises BannedPictureError."""
    given = list(pictures)
    refuse_banned_hashes({picture.sha256 for picture in given})
    refuse_removed_frames({pk for picture in given for pk in picture.video_ids})


def refuse_banned_hashes(hashes: set[str]) -> None:
    """Of pictures that were kept before somebody banned them. Raises BannedPictureError."""
    if banned_hashes(hashes):
        raise BannedPictureError(banned_message())


def refuse_removed_frames(videos: set[uuid.UUID]) -> None:
    """Of pictures that are frames of these videos. Raises BannedPictureError where one was taken down."""
    if videos and Generation.objects.filter(pk__in=videos, taken_down_at__isnull=False).exists():
        raise BannedPictureError(banned_message())


def banned_hashes(hashes: set[str]) -> set[str]:
    """Those of banned files."""
    return set(BannedFile.objects.filter(sha256__in=hashes).values_list("sha256", flat=True)) if hashes else set()


def banned_message() -> str:
    """Of a picture that was kept before."""
    return _("This picture may not be used here any more. Choose another one.")


def _hold(row: Generation, hit: Hit) -> Hold:
    why = _("A moderator looks at it before it is sent: %s Its money is held; nothing is spent until then.")
    return Hold(generation=row, kind=Hold.Kind.RULE, rule=hit.rule, reason=why % hold_message(hit))


def hold_message(hit: Hit) -> str:
    return hit.rule.message or _("the rules here ask for that where a prompt says “%s”.") % hit.matched_text
