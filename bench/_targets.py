"""The targets of a measurement, and whether they are met."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    name: str
    value: float
    wanted: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted


def percentile(times: list[float], share: int) -> float:
    """Of seconds, in milliseconds."""
    return statistics.quantiles(times, n=100)[share - 1] * 1000 if len(times) > 1 else float("nan")


def report_targets(targets: list[Target]) -> int:
    """Print them; the exit code."""
    print("\n| target | measured | wanted | |\n|---|---:|---:|---|")
    for target in targets:
        bound = "≤" if target.at_most else "≥"
        result = "ok" if target.is_met else "missed"
        print(f"| {target.name} | {target.value:,.2f} | {bound} {target.wanted:g} | {result} |")
    return 0 if all(target.is_met for target in targets) else 1
