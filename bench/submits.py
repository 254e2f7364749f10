"""How many requests a second one worker process sends to fal, each committed before its first byte is sent.

Run `python -m bench.submits`. The sandbox uses the same machine.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench._studio import running_studio, wait_for
from bench._targets import Target, report_targets
from bench.in_flight import create_generations, sandbox_options
from generations.models import Generation
from tests.generations.mirror.videos import mp4

TIMEOUT: Final = 600.0  # s; a limit against hanging
RENDER_SECONDS: Final = 600.0  # s; nothing is rendered meanwhile


def measure(count: int) -> float:
    """Submits a second, from the first that fal has answered to the last."""
    sent = Generation.objects.filter(request_id__isnull=False)
    with tempfile.TemporaryDirectory() as directory:
        clip = Path(directory) / "clip.mp4"
        clip.write_bytes(mp4(seconds=1))
        with running_studio(sandbox_options(RENDER_SECONDS, clip)) as studio:
            create_generations(count)
            worker = studio.start("worker")
            studio.start("cron")
            wait_for(sent.exists, TIMEOUT, worker.log.read_text)
            begun, before = time.monotonic(), sent.count()
            wait_for(lambda: sent.count() == count, TIMEOUT, worker.log.read_text)
            return (count - before) / (time.monotonic() - begun)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=3000)
    return report_targets([Target("submits a second", measure(parser.parse_args().count), 100)])


if __name__ == "__main__":
    sys.exit(main())
