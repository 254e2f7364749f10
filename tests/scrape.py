"""Reading what /metrics says: samples by name and labels."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from config import metrics

Samples = dict[tuple[Any, ...], float]  # the name, then each label and its value, by the label's name


def samples(text: bytes) -> Samples:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def families(text: bytes) -> set[str]:
    """The names that are announced, whether or not there is a sample."""
    return {line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE ")}


def sample_of(name: str, *labels: tuple[str, str]) -> float:
    """Of this process's own counters; 0 for what it has never counted."""
    return samples(metrics.render()).get((name, *labels), 0.0)
