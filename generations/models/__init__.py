"""Rows: the work (Generation), what it was given and made (InputPicture, Video), and what happened (Event)."""

from generations.models.event import Event
from generations.models.generation import Generation, LogLine
from generations.models.lifecycle import DRIVEN, MOVES, OPEN, TERMINAL, Status
from generations.models.picture import InputPicture, Slot, Upload
from generations.models.price import Price
from generations.models.video import Video

__all__ = [
    "DRIVEN",
    "MOVES",
    "OPEN",
    "TERMINAL",
    "Event",
    "Generation",
    "InputPicture",
    "LogLine",
    "Price",
    "Slot",
    "Status",
    "Upload",
    "Video",
]
