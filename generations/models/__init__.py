"""All models: a request (Generation), its pictures, video and events; drafts, collections, moderation, billing."""

from generations.models.backup import Backup, ObjectMode
from generations.models.collections import Collection, Favourite, ProjectMember, ProjectMove, Tag
from generations.models.deletion import StorageDeletion
from generations.models.draft import MAX_DRAFTS, Draft, DraftVersion
from generations.models.endpoint_switch import EndpointSwitch
from generations.models.event import Event
from generations.models.film import RUNNING, Film, FilmPart, FilmStatus, missing_parts
from generations.models.generation import (
    FORMER_TRASH_EVENTS,
    QUARANTINE,
    RESTORED,
    TRASHED,
    Generation,
    LogLine,
    Relation,
)
from generations.models.generation_queryset import TRASH_RETENTION
from generations.models.hold import Hold
from generations.models.library_picture import LibraryPicture
from generations.models.lifecycle import AT_FAL, DRIVEN, MOVES, OPEN, RETRYABLE, TERMINAL, Status
from generations.models.moderation_case import (
    PERSON_KINDS,
    Appeal,
    BulkDecision,
    Case,
    CaseNote,
    Cause,
    Decision,
    DecisionKind,
    PrivateAccess,
    Report,
    ReportReason,
)
from generations.models.notification import Notification, moderators
from generations.models.order_import import ImportPicture, OrderImport
from generations.models.pause import SubmitPause, TeamPause
from generations.models.picture import InputPicture, Slot, Upload
from generations.models.preset import MAX_PRESETS, MAX_TEAM_PRESETS, Preset, PresetVersion, TooManyPresetsError
from generations.models.price import Price, dollars
from generations.models.queue_turn import QueueTurn
from generations.models.review_status import ReviewStatus
from generations.models.rule import BannedFile, Flag, PromptRule
from generations.models.shot import MAX_SHOTS, Shot, TooManyShotsError
from generations.models.usage_day import UsageDay
from generations.models.video import Video
from generations.models.warning import THRESHOLDS, BudgetWarning, ProjectBudgetWarning

__all__ = [
    "AT_FAL",
    "DRIVEN",
    "FORMER_TRASH_EVENTS",
    "MAX_DRAFTS",
    "MAX_PRESETS",
    "MAX_SHOTS",
    "MAX_TEAM_PRESETS",
    "MOVES",
    "OPEN",
    "PERSON_KINDS",
    "QUARANTINE",
    "RESTORED",
    "RETRYABLE",
    "RUNNING",
    "TERMINAL",
    "THRESHOLDS",
    "TRASHED",
    "TRASH_RETENTION",
    "Appeal",
    "Backup",
    "BannedFile",
    "BudgetWarning",
    "BulkDecision",
    "Case",
    "CaseNote",
    "Cause",
    "Collection",
    "Decision",
    "DecisionKind",
    "Draft",
    "DraftVersion",
    "EndpointSwitch",
    "Event",
    "Favourite",
    "Film",
    "FilmPart",
    "FilmStatus",
    "Flag",
    "Generation",
    "Hold",
    "ImportPicture",
    "InputPicture",
    "LibraryPicture",
    "LogLine",
    "Notification",
    "ObjectMode",
    "OrderImport",
    "Preset",
    "PresetVersion",
    "Price",
    "PrivateAccess",
    "ProjectBudgetWarning",
    "ProjectMember",
    "ProjectMove",
    "PromptRule",
    "QueueTurn",
    "Relation",
    "Report",
    "ReportReason",
    "ReviewStatus",
    "Shot",
    "Slot",
    "Status",
    "StorageDeletion",
    "SubmitPause",
    "Tag",
    "TeamPause",
    "TooManyPresetsError",
    "TooManyShotsError",
    "Upload",
    "UsageDay",
    "Video",
    "dollars",
    "missing_parts",
    "moderators",
]
