"""Time and memory to join videos in the bucket into one film, beside a plain copy of the same bytes into one object.

Run `python -m bench.join`. It starts an S3 server of its own, takes both in turns, and ends with exit code 1 when it
misses a target.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import av
from PIL import Image

from bench._targets import Target, report_targets
from bench.mirror_servers import MB, bucket_at, running_s3
from bench.mirror_ways import Memory
from generations.mirror import Bucket, StoredFile
from generations.mirror.film.join import JoinSpec, Part, join_copied
from generations.mirror.film.manifest import Ingredient
from generations.mirror.transfer_rate import Pace
from generations.mirror.upload import Target as Object
from generations.mirror.upload import put

_PIECE: Final = 1 << 18  # bytes
_WARM_UP: Final = 2  # parts


def clip(seconds: int) -> bytes:
    """1080p at 24 frames a second, of noise that moves: about 2 MB a second, as Kling's videos have."""
    out = io.BytesIO()
    noise = Image.effect_noise((2000, 1160), 40).convert("RGB")
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "b": "16000000"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(24 * seconds):
            place = number % 80
            picture = noise.crop((place, place, place + 1920, place + 1080))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
    return out.getvalue()


def store(bucket: Bucket, data: bytes, count: int) -> list[Part]:
    for number in range(count):
        bucket.client.put_object(Bucket=bucket.name, Key=f"part/{number}", Body=data)
    return [Part(f"part/{number}", len(data), Ingredient(str(number), "0" * 64)) for number in range(count)]


def join(bucket: Bucket, parts: list[Part]) -> None:
    join_copied(JoinSpec(bucket, "film.mp4", "film", "Film", parts), lambda *_: None)


def copy(bucket: Bucket, parts: list[Part]) -> None:
    """The same bytes into one object, as they are."""
    with Pace(0) as pace:
        put(Object(bucket, "copy.mp4", "video/mp4"), _bytes(bucket, parts), sum(part.size for part in parts), pace)


def _bytes(bucket: Bucket, parts: list[Part]) -> Iterator[bytes]:
    for part in parts:
        with StoredFile(bucket, part.key, part.size) as file:
            while piece := file.read(_PIECE):
                yield piece


def _seconds(act: Callable[[], None]) -> float:
    os.sync()  # what the last one wrote must not be paid by the next
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seconds", type=int, default=5, help="of each clip")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    data = clip(arguments.seconds)
    with tempfile.TemporaryDirectory() as directory, running_s3(Path(directory) / "s3") as s3:
        bucket = bucket_at(s3)
        parts = store(bucket, data, arguments.clips)
        del data
        join(bucket, parts[:_WARM_UP])
        memory, ratios, joins, copies = Memory(), [], [], []
        for _ in range(arguments.rounds):
            copies.append(_seconds(lambda: copy(bucket, parts)))
            joins.append(_seconds(lambda: join(bucket, parts)))
            ratios.append(joins[-1] / copies[-1])
        extra = memory.extra() / MB
    size = sum(part.size for part in parts) / MB
    print(f"{arguments.clips} clips of {arguments.seconds} s, {size:,.0f} MB, {arguments.rounds} rounds")
    print("\n| | seconds (median) | MB/s |\n|---|---:|---:|")
    for name, found in (("join", joins), ("copy of the same bytes", copies)):
        print(f"| {name} | {statistics.median(found):.2f} | {size / statistics.median(found):.0f} |")
    return report_targets(
        [
            Target("join: × the time of the copy (median of the rounds)", statistics.median(ratios), 2, at_most=True),
            Target("extra peak memory of both, MB", extra, 32, at_most=True),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
