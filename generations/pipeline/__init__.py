"""The one workflow: a committed row goes to fal, and its video comes home. Knows no HTTP framework and no RQ.

`worker` drives every row that is due: `fair_queue` says whose turn it is, `submit` posts it to fal, `polling` asks how
it goes, `download` brings the file into the bucket; `transitions` turns fal's answers and errors into moves.
`webhooks` is what a call of fal's means, `lost_answers` finds a request whose answer never came, `manual_resolution`
is for what a person decides.
"""

from generations.pipeline.fair_queue import queue_positions
from generations.pipeline.webhooks import receive_webhook
from generations.pipeline.worker import drive

__all__ = ["drive", "queue_positions", "receive_webhook"]
