"""One call of a tool: who calls, what comes back, and what is said when it can't be done."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied
from mcp_types import CallToolResult, InputResponses, TextContent
from pydantic import BaseModel, ValidationError

from api.authentication import AuthenticationError, Caller
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError, OverBudgetError, TooManyOrdersError, TooManyPicturesError
from generations.fal.arguments import InvalidArguments
from generations.models import Price
from generations.pictures import DecoderBusyError
from sharing.links import NotShareableError

NOT_FOUND: Final = (
    "There is no such video, or this key may not see it. list_videos shows those that it may; ids are UUIDs."
)
_NO_PRICE: Final = "There is no price for this yet. An admin of the studio has to enter what it costs."
_NO_SCOPE: Final = "Ask the person for another key, which they make in the studio under API keys."


class ToolError(Exception):
    """The model that has called reads str(): what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Call:
    """`can_ask`: the client shows its person a question, and comes back with `answers` and with our `state`."""

    caller: Caller
    can_ask: bool = False
    answers: InputResponses | None = None
    state: str = ""
    idempotency_key: str = ""


def answer(found: BaseModel, words: str) -> CallToolResult:
    """For programs, and for the model that reads."""
    own = found.model_dump(mode="json", exclude_none=True)
    return CallToolResult(content=[TextContent(text=words)], structured_content=own)


def failed(error: ToolError) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=str(error))], is_error=True)


@contextmanager
def tool_errors() -> Iterator[None]:
    """Whatever keeps a tool from doing it, as a ToolError."""
    try:
        yield
    except AuthenticationError as error:
        raise ToolError(f"{error.detail} {_NO_SCOPE}") from error
    except ValidationError as error:
        raise ToolError(_invalid(error)) from error
    except InvalidArguments as error:
        raise ToolError("\n".join(f"{one.field}: {one.message}" for one in error.problems)) from error
    except Price.DoesNotExist as error:
        raise ToolError(_NO_PRICE) from error
    except (TooManyOrdersError, TooManyPicturesError, BucketDownError, DecoderBusyError) as error:
        raise ToolError(f"{error} Nothing was made or spent. Try again in a minute.") from error
    except OverBudgetError as error:
        raise ToolError(f"{error} Nothing was made or spent. cost_and_budget says what is left.") from error
    except OrderRefusedError as error:
        raise ToolError(f"{error} Nothing was made or spent.") from error
    except NotShareableError as error:
        raise ToolError(str(error)) from error
    except PermissionDenied as error:
        raise ToolError("The role of this key’s person in the team does not allow this.") from error


def _invalid(error: ValidationError) -> str:
    lines = [
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_input=False)
    ]
    return "These arguments are not valid. Nothing was done.\n" + "\n".join(lines)
