"""`manage.py audit_storage`: compare the bucket with the rows, both ways."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from generations.mirror import MirrorError, storage_errors
from generations.storage.audit import Fault, Finding, Role, StorageAudit
from generations.storage.repair import RepairError, repair

_FAULTS: Final = {Fault.ORPHAN: "orphans", Fault.MISSING: "missing", Fault.WRONG_SIZE: "of a wrong size"}


class Command(BaseCommand):
    help = "Compare the bucket with the database, both ways. Exit 1 when they differ. Only --repair changes anything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Put right what can be, and say what can't.")

    def handle(self, **options: Any) -> None:
        audit, found = StorageAudit(), Counter[str]()
        try:
            with storage_errors():
                for finding in audit.findings():
                    found[finding.fault] += 1
                    self.stdout.write(_line(finding) + (_repair(finding, found) if options["repair"] else ""))
        except MirrorError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_totals(audit, found, repaired=options["repair"]))
        if found:
            sys.exit(1)


def _line(finding: Finding) -> str:
    key = _printable(finding.key)
    known = finding.known
    if known is None:
        return f"{finding.fault}: {key} ({finding.size:,} bytes)"
    whose = f"{known.role} {'' if known.role == Role.UPLOAD else 'of '}{known.row_id}"
    sizes = f", {finding.size:,} bytes instead of {known.size:,}" if finding.fault == Fault.WRONG_SIZE else ""
    return f"{finding.fault}: {key} ({whose}{sizes})"


def _printable(key: str) -> str:
    """One line, whatever is in it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in key)


def _repair(finding: Finding, found: Counter[str]) -> str:
    try:
        done = repair(finding)
    except RepairError as error:
        return f" → not repaired: {error}"
    found["repaired"] += 1
    return f" → {done}"


def _totals(audit: StorageAudit, found: Counter[str], *, repaired: bool) -> str:
    faults = ", ".join(f"{found[fault]:,} {label}" for fault, label in _FAULTS.items())
    ends = f"; {found['repaired']:,} repaired" if repaired else ""
    young = f"; {audit.young:,} without a row are less than an hour old, so not judged" if audit.young else ""
    return f"{audit.objects:,} objects in the bucket, {audit.known:,} in the database: {faults}{young}{ends}."
