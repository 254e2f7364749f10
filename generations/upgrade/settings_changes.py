"""Environment variables that this version has brought, renamed and taken away, against 0.2.0."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generations.doctor.outcome import Outcome, ok, warning


@dataclass(frozen=True, slots=True)
class SettingChange:
    """`meaning` is of a new one, `became` the new name of one that was renamed; one that is gone has neither."""

    name: str
    became: str = ""
    meaning: str = ""


CHANGES: Final = (
    SettingChange("FAL_KEY_FALLBACKS", meaning="former keys of fal"),
    SettingChange("SECRET_KEY_FALLBACKS", meaning="former keys of the studio"),
    SettingChange("LOG_FORMAT", meaning="`json` for logs as objects"),
    SettingChange("METRICS_PORT", meaning="where worker and cron answer /metrics"),
    SettingChange("PROMETHEUS_MULTIPROC_DIR", meaning="where all processes of a host count together"),
    SettingChange("OTEL_EXPORTER_OTLP_ENDPOINT", meaning="where traces go"),
    SettingChange("SITE_NAME", meaning="what the site is called"),
)


def check() -> Outcome:
    return judge(CHANGES, os.environ)


def judge(changes: tuple[SettingChange, ...], environment: Mapping[str, str]) -> Outcome:
    """What is set and not read any more is what somebody meant to have."""
    lost = [change for change in changes if not change.meaning and environment.get(change.name, "").strip()]
    if lost:
        parts = [f"{one.name} is now {one.became}" if one.became else f"{one.name} is gone" for one in lost]
        advice = [f"set {one.became} to its value" if one.became else f"remove {one.name}" for one in lost]
        return warning(f"{', '.join(parts)}: it is not read.", f"In the environment: {'; '.join(advice)}.")
    new = [f"{one.name} ({one.meaning})" for one in changes if one.meaning and one.name not in environment]
    return ok(f"All that are set are read. New since 0.2.0, and none required: {', '.join(new) or 'none'}.")
