"""Text of programs, as the database takes it."""

from typing import Annotated

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


Text = Annotated[str, AfterValidator(_reject_unkept)]
