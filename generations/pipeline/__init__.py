"""The one workflow: from a committed row, through fal, to the video in the bucket. Knows no HTTP framework and no RQ.

`worker` drives every row that is due: `fair_queue` says whose turn it is, `submit` posts it to fal, `polling` asks how
it goes, `download` copies the file into the bucket; `transitions` turns fal's answers and errors into moves.
`webhooks` handles fal's webhooks, `lost_answers` finds a request whose answer never came, and `manual_resolution`
carries out what a person decides.
"""

from generations.pipeline.fair_queue import queue_positions
from generations.pipeline.webhooks import receive_webhook
from generations.pipeline.worker import drive

__all__ = ["drive", "queue_positions", "receive_webhook"]
