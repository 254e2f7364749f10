"""`python -m tests.deploy.drive`: approve what waits, drive every row to its end, and print what came of each."""

import json
import sys

from generations.models import Generation, Status
from tests.generations.pipeline.driven import drive_until


def main() -> None:
    for row in Generation.objects.filter(status=Status.HELD):
        row.move(Status.QUEUED, event="Approved.")
    drive_until(lambda: not Generation.objects.open().exists())
    columns = ("id", "prompt", "status", "reason", "request_id", "cost_cents")
    json.dump(list(Generation.objects.values(*columns)), sys.stdout, default=str)


if __name__ == "__main__":
    main()
