"""Text of programs: JSON as its standard has it, and words as the database takes them."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator


def _reject_unkept(text: str) -> str:
    """Neither nulls nor halves of a character (JSON can write them by themselves) can be kept."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError("The text has characters that can’t be kept, such as null. Take them out.")
    return text


def read_json(body: bytes) -> Any:
    """JSON, and nothing that only Python takes for it. Raises ValueError and RecursionError."""
    return json.loads(body, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


Text = Annotated[str, AfterValidator(_reject_unkept)]
