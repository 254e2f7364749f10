"""Every request that the sandbox has accepted, and how often each event happened: SQLite, one file."""

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from sandbox.job import Job, Status, iso


class Store:
    """The jobs in memory, in the order of their submits, each written to the file when it changes."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")  # survives a killed process, which is what we ask
        self._database.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, document TEXT NOT NULL)")
        self._database.execute("CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        rows = self._database.execute("SELECT document FROM jobs ORDER BY rowid")
        self.jobs = {job.id: job for job in (Job.from_document(json.loads(row[0])) for row in rows)}
        self.counters = Counter(dict(self._database.execute("SELECT name, value FROM counters")))
        self._in_flight = len(self.unfinished())

    def unfinished(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.status is not Status.COMPLETED]

    def add(self, job: Job) -> None:
        self.jobs[job.id] = job
        self._in_flight += 1
        self._set("max_in_flight", max(self.counters["max_in_flight"], self._in_flight))
        self.save(job)

    def finish(self, job: Job) -> None:
        self._in_flight -= 1
        self.save(job)

    def save(self, job: Job) -> None:
        self._database.execute(
            "INSERT INTO jobs (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document",
            (job.id, json.dumps(job.to_document())),
        )

    def count(self, name: str) -> None:
        self._set(name, self.counters[name] + 1)

    def _set(self, name: str, value: int) -> None:
        self.counters[name] = value
        self._database.execute("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)", (name, value))

    def as_json(self) -> dict[str, Any]:
        """The page `/sandbox/books`."""
        names = ("submits", "accepted", "max_in_flight", "status_gets", "result_gets", "file_gets", "renders")
        faults = {name.removeprefix("fault:"): n for name, n in self.counters.items() if name.startswith("fault:")}
        return {
            "requests": [entry(job) for job in self.jobs.values()],
            "counters": {name: self.counters[name] for name in names} | {"in_flight": self._in_flight},
            "faults": faults,
            "charged_units": sum(job.outcome.units for job in self.jobs.values() if job.outcome),
        }

    def close(self) -> None:
        self._database.close()


def entry(job: Job) -> dict[str, Any]:
    """One request as `/sandbox/books` shows it. `outcome` is None while it is under way."""
    return {
        "id": job.id,
        "endpoint": job.endpoint,
        "prompt": job.prompt,
        "arguments": job.arguments,
        "status": job.status,
        "submitted": iso(job.submitted),
        "started": iso(job.started) if job.started else None,
        "ended": iso(job.ended) if job.ended else None,
        "outcome": job.outcome
        and {"code": job.outcome.code, "body": job.outcome.body, "error_type": job.outcome.error_type},
        "charged_units": job.outcome.units if job.outcome else 0,
        "faults": job.happened,
        "webhook": job.webhook,
        "deliveries": job.deliveries,
    }
