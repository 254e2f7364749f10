"""The tools: what each is called, takes and gives, which keys may call it, and what does it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from mcp_types import Tool as ToolDeclaration
from pydantic import BaseModel

from api.mcp import budget, generate, schemas, videos
from api.mcp.calls import Call
from api.models import Scope

Run = Callable[[Call, Any], CallToolResult | InputRequiredResult]

WAIT: Final = "wait_for_video"
_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_SPENDS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
_SHARES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
_CANCELS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
_SEES: Final = (Scope.READ, Scope.GENERATE)


@dataclass(frozen=True)
class Tool:
    name: str
    title: str
    description: str
    scopes: tuple[Scope, ...]
    annotations: ToolAnnotations
    arguments: type[BaseModel]
    output: type[BaseModel]
    run: Run

    @cached_property
    def declaration(self) -> ToolDeclaration:
        return ToolDeclaration(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.arguments.model_json_schema(),
            output_schema=self.output.model_json_schema(),
            annotations=self.annotations,
        )


TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool(
            "generate_video",
            "Generate a video",
            "Order a video of 5 or 10 seconds from text or from an image (Kling 2.5 Turbo). This spends the team's "
            "money: the first call only tells the price, or asks the person where this program can. The answer of an "
            "order has the video's id at once; the video itself takes one to a few minutes: call wait_for_video.",
            (Scope.GENERATE,),
            _SPENDS,
            schemas.GenerateArguments,
            schemas.Generated,
            generate.generate,
        ),
        Tool(
            WAIT,
            "Wait for a video",
            "Wait until a video is finished, or has failed, or timeout_seconds are over; the answer says which "
            "(is_final). If it is not final, call it again. Nothing is lost by not waiting.",
            _SEES,
            _READS,
            schemas.WaitArguments,
            schemas.Video,
            videos.get,
        ),
        Tool(
            "get_video",
            "Get a video",
            "How one video stands, and its address once it is done. To wait for it, call wait_for_video instead.",
            _SEES,
            _READS,
            schemas.VideoId,
            schemas.Video,
            videos.get,
        ),
        Tool(
            "list_videos",
            "List videos",
            "The team's videos, newest first, with the filters of its gallery.",
            _SEES,
            _READS,
            schemas.ListArguments,
            schemas.Videos,
            videos.list_,
        ),
        Tool(
            "cost_and_budget",
            "Cost and budget",
            "What a video costs, and how much may still be spent this month.",
            _SEES,
            _READS,
            schemas.CostArguments,
            schemas.CostAndBudget,
            budget.cost_and_budget,
        ),
        Tool(
            "share_videos",
            "Share videos by a link",
            "Make a public link to finished videos, for people without an account. Ask the person before: whoever has "
            "the link sees the videos. It can be ended in the studio at any time.",
            (Scope.MANAGE,),
            _SHARES,
            schemas.ShareArguments,
            schemas.Shared,
            videos.share,
        ),
        Tool(
            "cancel_video",
            "Cancel a video",
            "End a video that is not finished yet. Costs nothing, as long as it can still be cancelled.",
            (Scope.GENERATE,),
            _CANCELS,
            schemas.VideoId,
            schemas.Video,
            videos.cancel,
        ),
    )
}
