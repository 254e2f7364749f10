"""`python -m generations.picture_decoder MAX_BYTES < picture`: one line of JSON, then the picture's bytes.

The system ends it when it takes more than its share of memory or of the processor.
"""

import json
import resource
import sys
from typing import Any, Final

from generations.picture_decoder.decode import decode
from generations.picture_decoder.outcome import RefusedError

MEMORY: Final = 180 * 1024 * 1024  # bytes that are the program's own; with its libraries it stays below 200 MB
SECONDS: Final = 2  # of the processor


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer: dict[str, Any]
    try:
        found = decode(sys.stdin.buffer.read(), int(sys.argv[1]))
    except RefusedError as error:
        answer, data = {"fault": error.fault, "limit": error.limit}, b""
    else:
        data = found.data
        answer = {
            "is_png": found.is_png,
            "width": found.width,
            "height": found.height,
            "given": found.given,
            "changes": found.changes,
        }
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + data)


if __name__ == "__main__":
    main()
