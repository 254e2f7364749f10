"""Time and memory to copy a finished video into the bucket: ours, `rclone copyurl`, and the baseline.

Run `python -m bench.mirror`. It starts an S3 server and a provider of its own, copies the same files in turns, and
ends with exit code 1 when it misses a target.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench._targets import Target, report_targets
from bench.mirror_servers import (
    LARGE,
    MB,
    SLOW,
    SLOW_RATE,
    SMALL,
    TINY,
    bucket_at,
    running_provider,
    running_s3,
    write_files,
)
from bench.mirror_ways import Bench, Child, Copy, Measurement, Memory, Rclone, RcloneDaemon, baseline_copy, studio_copy
from generations.mirror import StoredFile, poster, probe

CONCURRENCY = 16
OURS, RCLONE_NAME, DAEMON_NAME, USUAL = "ours", "rclone copyurl", "rclone, already running", "httpx + storage.save"


def _measure_in_turns(bench: Bench, size: int, rounds: int) -> dict[str, Measurement]:
    """The medians; every round begins with another way. Ratios are taken within a round, against a noisy machine."""
    with ExitStack() as stack:
        ways: dict[str, Callable[[str, str], Measurement]] = {
            OURS: stack.enter_context(Child(studio_copy, bench)),
            RCLONE_NAME: Rclone(bench),
            DAEMON_NAME: stack.enter_context(RcloneDaemon(bench)),
            USUAL: stack.enter_context(Child(baseline_copy, bench)),
        }
        found: dict[str, list[Measurement]] = {name: [] for name in ways}
        names = list(ways)
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                os.sync()  # what the last one wrote must not be paid by the next
                found[name].append(ways[name](f"{bench.provider}/{size}", f"{size}/{name}"))
    return {name: _summarize(all_of_it, found[OURS]) for name, all_of_it in found.items()}


def _summarize(found: list[Measurement], ours: list[Measurement]) -> Measurement:
    return Measurement(
        statistics.median(one.seconds for one in found),
        max(one.extra_memory for one in found),
        statistics.median(one.seconds / our.seconds for one, our in zip(found, ours, strict=True)),
    )


def _run_in_child(work: Callable[[Bench], list[float]], bench: Bench) -> list[float]:
    with multiprocessing.Pool(1) as pool:
        return pool.apply(work, (bench,))


def _measure_concurrency(bench: Bench) -> list[float]:
    """MB/s of one slow copy and of sixteen at once, and the extra memory of the sixteen in bytes."""
    copy = studio_copy(bench)
    copy(f"{bench.provider}/{TINY}", "warm-up")
    memory = Memory()
    rounds = [(_speed(copy, bench, 1), _speed(copy, bench, CONCURRENCY)) for _ in range(3)]
    one, many = (statistics.median(speeds) for speeds in zip(*rounds, strict=True))
    return [one, many, memory.extra()]


def _speed(copy: Copy, bench: Bench, count: int) -> float:
    """MB/s of so many slow copies at once, together."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda number: copy(f"{bench.provider}/{SLOW}?slow", f"slow/{number}"), range(count)))
    return count * SLOW / MB / (time.perf_counter() - begun)


def _measure_checks(bench: Bench) -> list[float]:
    """Seconds to copy, decode and picture a real video, and the extra memory in bytes of the last two together."""
    copy, bucket = studio_copy(bench), bucket_at(bench.s3)
    copy(f"{bench.provider}/real", "real")
    size = bucket.client.head_object(Bucket=bucket.name, Key="real")["ContentLength"]
    memory = Memory()
    with StoredFile(bucket, "real", size) as stored:
        steps = [lambda: copy(f"{bench.provider}/real", "real"), lambda: probe(stored), lambda: poster(stored)]
        seconds = [statistics.median(_seconds(step) for _ in range(3)) for step in steps]
    return [*seconds, memory.extra(), size]


def _seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def _print_table(size: int, found: dict[str, Measurement]) -> None:
    print(f"\n| {size // MB} MB | seconds | MB/s | ours is faster by | extra peak memory |\n|---|---:|---:|---:|---:|")
    for name, one in found.items():
        ratio = f"{one.ratio:.2f} ×" if name != OURS else ""
        speed = size / MB / one.seconds
        print(f"| {name} | {one.seconds:.3f} | {speed:.0f} | {ratio} | {one.extra_memory / MB:.1f} MB |")


def _targets(found: dict[int, dict[str, Measurement]], slow: list[float]) -> list[Target]:
    def faster(size: int) -> float:
        return found[size][RCLONE_NAME].ratio

    def memory(size: int) -> float:
        return found[size][OURS].extra_memory / MB

    return [
        Target("10 MB: × the speed of rclone copyurl", faster(SMALL), 1.5),
        Target("500 MB: × the speed of rclone copyurl", faster(LARGE), 1.0),
        Target("10 MB: extra peak memory, MB", memory(SMALL), 16, at_most=True),
        Target("500 MB: extra peak memory, MB", memory(LARGE), 16, at_most=True),
        Target("sixteen slow copies at once: × the throughput of one", slow[1] / slow[0], 10),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small-rounds", type=int, default=21)
    parser.add_argument("--large-rounds", type=int, default=5)
    arguments = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (directory / "files").mkdir()
        write_files(directory / "files")
        s3 = stack.enter_context(running_s3(directory / "s3"))
        bench = Bench(stack.enter_context(running_provider(directory / "files")), s3)
        waste = replace(bench, s3=replace(s3, endpoint_url=stack.enter_context(running_provider(directory / "files"))))
        slow, wasted = _run_in_child(_measure_concurrency, bench), _run_in_child(_measure_concurrency, waste)
        checking = _run_in_child(_measure_checks, bench)
        rounds = {SMALL: arguments.small_rounds, LARGE: arguments.large_rounds}
        found = {size: _measure_in_turns(bench, size, count) for size, count in rounds.items()}
    _report_slow(slow, wasted)
    return _report(found, slow, checking)


def _report_slow(slow: list[float], wasted: list[float]) -> None:
    one, many, extra = slow
    print(
        f"\nSources held to {SLOW_RATE // MB} MB/s: one copy {one:.1f} MB/s, {CONCURRENCY} at once {many:.1f} MB/s",
        end=" ",
    )
    print(
        f"with {extra / MB:.1f} MB of extra memory; {CONCURRENCY} at once into a server that throws the bytes away",
        end=" ",
    )
    print(f"{wasted[1]:.1f} MB/s.")


def _report_checking(checking: list[float]) -> None:
    copying, decoding, picturing, more, length = checking
    print(f"\nApart from the copy, of 5 s at 1080p ({length / MB:.1f} MB, copied in {copying:.2f} s):", end=" ")
    print(f"every frame decoded from the bucket {decoding:.2f} s, poster {picturing:.2f} s,", end=" ")
    print(f"{more / MB:.0f} MB of extra memory.")


def _report(found: dict[int, dict[str, Measurement]], slow: list[float], checking: list[float]) -> int:
    for size, ways in found.items():
        _print_table(size, ways)
    _report_checking(checking)
    targets = _targets(found, slow)
    return report_targets(targets)


if __name__ == "__main__":
    sys.exit(main())
