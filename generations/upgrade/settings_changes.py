"""Environment variables that versions have brought, renamed and taken away."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generations.doctor.outcome import Outcome, ok, warning


@dataclass(frozen=True, slots=True)
class SettingChange:
    """`became` is the new name of one that was renamed; empty for one that is gone. `meaning` is of a new one."""

    name: str
    since: str
    is_new: bool = True
    became: str = ""
    meaning: str = ""


CHANGES: Final = (
    SettingChange("FAL_KEY_FALLBACKS", "0.2.0", meaning="former keys of fal"),
    SettingChange("SECRET_KEY_FALLBACKS", "0.2.0", meaning="former keys of the studio"),
    SettingChange("LOG_FORMAT", "0.2.0", meaning="`json` for logs as objects"),
    SettingChange("METRICS_PORT", "0.2.0", meaning="where worker and cron answer /metrics"),
    SettingChange("PROMETHEUS_MULTIPROC_DIR", "0.2.0", meaning="where all processes of a host count together"),
    SettingChange("OTEL_EXPORTER_OTLP_ENDPOINT", "0.2.0", meaning="where traces go"),
    SettingChange("SITE_NAME", "0.2.0", meaning="what the site is called"),
)


def check() -> Outcome:
    return judge(CHANGES, os.environ)


def judge(changes: tuple[SettingChange, ...], environment: Mapping[str, str]) -> Outcome:
    """What is set and not read any more is what somebody meant to have."""
    lost = [change for change in changes if not change.is_new and environment.get(change.name, "").strip()]
    if lost:
        parts = [f"{one.name} is now {one.became}" if one.became else f"{one.name} is gone" for one in lost]
        advice = [f"set {one.became} to its value" if one.became else f"remove {one.name}" for one in lost]
        return warning(f"{', '.join(parts)}: it is not read.", f"In the environment: {'; '.join(advice)}.")
    new = [f"{one.name} ({one.meaning})" for one in changes if one.is_new and one.name not in environment]
    return ok(f"All that are set are read. New since 0.2.0, and none required: {', '.join(new) or 'none'}.")
