"""Rows: the work (Generation), what it was given and made (InputPicture, Video), and what happened (Event)."""

from generations.models.case import (
    OF_PEOPLE,
    Appeal,
    BulkDecision,
    Case,
    Cause,
    Decision,
    Look,
    Report,
    ReportReason,
    Verb,
)
from generations.models.deletion import StorageDeletion
from generations.models.draft import MAX_DRAFTS, Draft, DraftVersion
from generations.models.drift import UsageDay
from generations.models.event import Event
from generations.models.generation import BIN_KEEPS, BINNED, QUARANTINE, RESTORED, Generation, LogLine, Relation
from generations.models.hold import Hold
from generations.models.lifecycle import AT_FAL, DRIVEN, MOVES, OPEN, TERMINAL, Status
from generations.models.organizing import Collection, Favourite, Tag
from generations.models.pause import SubmitPause, TeamPause
from generations.models.picture import InputPicture, Slot, Upload
from generations.models.preset import MAX_PRESETS, Preset, TooManyPresetsError
from generations.models.price import Price, dollars
from generations.models.rule import BannedFile, Flag, PromptRule
from generations.models.turn import QueueTurn
from generations.models.video import Video
from generations.models.warning import THRESHOLDS, BudgetWarning

__all__ = [
    "AT_FAL",
    "BINNED",
    "BIN_KEEPS",
    "DRIVEN",
    "MAX_DRAFTS",
    "MAX_PRESETS",
    "MOVES",
    "OF_PEOPLE",
    "OPEN",
    "QUARANTINE",
    "RESTORED",
    "TERMINAL",
    "THRESHOLDS",
    "Appeal",
    "BannedFile",
    "BudgetWarning",
    "BulkDecision",
    "Case",
    "Cause",
    "Collection",
    "Decision",
    "Draft",
    "DraftVersion",
    "Event",
    "Favourite",
    "Flag",
    "Generation",
    "Hold",
    "InputPicture",
    "LogLine",
    "Look",
    "Preset",
    "Price",
    "PromptRule",
    "QueueTurn",
    "Relation",
    "Report",
    "ReportReason",
    "Slot",
    "Status",
    "StorageDeletion",
    "SubmitPause",
    "Tag",
    "TeamPause",
    "TooManyPresetsError",
    "Upload",
    "UsageDay",
    "Verb",
    "Video",
    "dollars",
]
