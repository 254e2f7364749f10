"""How `doctor` and `upgrade_check` say what they find."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

from django.core.management.base import CommandParser, OutputWrapper

from generations.doctor.outcome import Finding, State


def add_json(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def print_findings(out: OutputWrapper, findings: Iterable[Finding], *, as_json: bool) -> None:
    """Each as soon as it is there, or all as one object; ends with exit code 1 when one has failed."""
    found = []
    for finding in findings:
        found.append(finding)
        if not as_json:
            out.write(_line(finding))
    is_well = all(finding.state is not State.FAILED for finding in found)
    if as_json:
        out.write(json.dumps({"ok": is_well, "checks": [asdict(finding) for finding in found]}, indent=2))
    if not is_well:
        sys.exit(1)


def _line(finding: Finding) -> str:
    told = " → ".join(filter(None, (finding.message, finding.advice)))
    return f"{finding.name:<11}{finding.state:<9}{told}"
