"""The one workflow: from a person's order to a video in the bucket. Knows no HTTP framework and no RQ.

`orders` writes the rows that the `budget` allows, `drive` moves every row that is due: `queue` says whose turn it is,
`submitting` posts it to fal, `lost_answers` finds out whether fal took what it has not said yes to, `waiting` asks how
it goes, `copying` brings the file home; `outcomes` turns fal's errors into moves, `calls` takes fal's webhooks,
`duplicate` is for an order that fal has twice; `settling` is for what a person decides.
`telling` writes mails, `deleting` empties the bucket of what nobody wants, `auditing` compares it with the rows;
`holding` is for what waits for a yes, `approving` for a team's own;
`usage` adds up what was spent, `warning` tells before a limit is reached; `parting` ends a membership, `closing` a
team, `leaving` a person's account.
"""

from generations.pipeline.account import fal_config
from generations.pipeline.approving import ask_for_yes
from generations.pipeline.budget import Budget, budget_of
from generations.pipeline.calls import fal_called
from generations.pipeline.closing import close, closing
from generations.pipeline.deleting import empty_bins, remove_objects, sweep_uploads
from generations.pipeline.driving import drive
from generations.pipeline.orders import Order, keep_picture, place_batch, place_order, place_retry
from generations.pipeline.parting import part
from generations.pipeline.queue import places
from generations.pipeline.reconciling import reconcile
from generations.pipeline.refusals import (
    OrderRefusedError,
    OverBudgetError,
    TooManyOrdersError,
    TooManyPicturesError,
    refuse_too_many_pictures,
)
from generations.pipeline.telling import tell_people
from generations.pipeline.usage import Month, Share, Usage, usage
from generations.pipeline.warning import warn_of_budgets

__all__ = [
    "Budget",
    "Month",
    "Order",
    "OrderRefusedError",
    "OverBudgetError",
    "Share",
    "TooManyOrdersError",
    "TooManyPicturesError",
    "Usage",
    "ask_for_yes",
    "budget_of",
    "close",
    "closing",
    "drive",
    "empty_bins",
    "fal_called",
    "fal_config",
    "keep_picture",
    "part",
    "place_batch",
    "place_order",
    "place_retry",
    "places",
    "reconcile",
    "refuse_too_many_pictures",
    "remove_objects",
    "sweep_uploads",
    "tell_people",
    "usage",
    "warn_of_budgets",
]
