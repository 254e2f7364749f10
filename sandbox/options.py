"""The sandbox's options, from its command line and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

DEFAULT_KEY: Final = "sandbox:sandbox"


@dataclass(frozen=True, slots=True)
class Options:
    """Times are seconds. `neighbours` are other people's requests that wait ahead of each of ours."""

    directory: Path
    key: str = DEFAULT_KEY
    more_keys: tuple[str, ...] = ()  # of the same account
    other_keys: tuple[str, ...] = ()  # of another one, which has requests of its own
    queue_seconds: float = 2
    render_seconds: float = 6
    concurrency: int = 40
    neighbours: int = 3
    slow_seconds: float = 5
    webhook_retry_seconds: float = 5
    faults: str = ""
    clip: Path | None = None

    @classmethod
    def from_environment(cls, directory: Path, environment: Mapping[str, str]) -> Self:
        """Read SANDBOX_*. Raises ValueError that names the variable."""

        def number(name: str, default: float) -> float:
            text = environment.get(name) or str(default)
            try:
                return float(text)
            except ValueError:
                raise ValueError(f"{name} must be a number, not {text!r}") from None

        return cls(
            directory=directory,
            key=environment.get("SANDBOX_KEY") or DEFAULT_KEY,
            more_keys=_parse_keys(environment.get("SANDBOX_MORE_KEYS", "")),
            other_keys=_parse_keys(environment.get("SANDBOX_OTHER_KEYS", "")),
            queue_seconds=number("SANDBOX_QUEUE_SECONDS", 2),
            render_seconds=number("SANDBOX_RENDER_SECONDS", 6),
            concurrency=int(number("SANDBOX_CONCURRENCY", 40)),
            neighbours=int(number("SANDBOX_NEIGHBOURS", 3)),
            slow_seconds=number("SANDBOX_SLOW_SECONDS", 5),
            webhook_retry_seconds=number("SANDBOX_WEBHOOK_RETRY_SECONDS", 5),
            faults=environment.get("SANDBOX_FAULTS", ""),
            clip=_parse_clip(environment.get("SANDBOX_CLIP")),
        )


def _parse_keys(text: str) -> tuple[str, ...]:
    return tuple(key for key in map(str.strip, text.split(",")) if key)


def _parse_clip(clip: str | None) -> Path | None:
    if not clip:
        return None
    path = Path(clip).resolve()
    if not path.is_file():
        raise ValueError(f"SANDBOX_CLIP names no file: {clip}")
    return path


# What `--help` says of the environment.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "SANDBOX_KEY": "the key that clients must send (sandbox:sandbox)",
    "SANDBOX_MORE_KEYS": "further keys of the same account, with commas between (none)",
    "SANDBOX_OTHER_KEYS": "keys of another account, which does not know the requests of the first (none)",
    "SANDBOX_QUEUE_SECONDS": "how long a request waits IN_QUEUE, at least (2)",
    "SANDBOX_RENDER_SECONDS": "how long it is IN_PROGRESS, at least (6)",
    "SANDBOX_CONCURRENCY": "how many requests are IN_PROGRESS at once (40)",
    "SANDBOX_NEIGHBOURS": "other people's requests ahead of each new one; they leave within the queue time (3)",
    "SANDBOX_SLOW_SECONDS": "how slow a slow answer or a late webhook is (5)",
    "SANDBOX_WEBHOOK_RETRY_SECONDS": "the first pause before a webhook is sent again; it doubles (5)",
    "SANDBOX_FAULTS": "faults that strike by chance, such as submit_503=0.1,seed=7 (none)",
    "SANDBOX_CLIP": "a ready MP4 to hand out for every request, instead of rendering (none)",
}
