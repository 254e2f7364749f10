"""The one workflow: from a person's order to a video in the bucket. Knows no HTTP framework and no RQ.

`orders` writes the row, `drive` moves every row that is due: `submitting` posts it to fal, `waiting` asks how it goes,
`copying` brings the file home; `outcomes` turns fal's errors into moves.
"""

from generations.pipeline.account import fal_config
from generations.pipeline.calls import fal_called
from generations.pipeline.driving import drive
from generations.pipeline.orders import Order, keep_picture, place_order

__all__ = ["Order", "drive", "fal_called", "fal_config", "keep_picture", "place_order"]
