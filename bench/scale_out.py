"""Two worker hosts and two web hosts on one network: ten thousand in flight, one host of each kind unplugged meanwhile.

Run `python -m bench.scale_out` as root. Each host is a network namespace; PostgreSQL, Valkey, S3 and the sandbox are
reached over its cable. Then the same work is done by one worker and by two, one after the other, in this run.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from django.db import connection

from accounts.models import User
from bench._hosts import SWITCH, Host, NoHostsError, enter_own_network, hosts
from bench._studio import Process, Studio, running_studio, session_of, wait_for
from bench._targets import Target, report_targets
from bench.in_flight import Progress, create_generations, sandbox_options
from devserver import addresses, postgres, valkey
from generations.models import AT_FAL, Generation, Status, Video
from generations.storage.audit import StorageAudit
from tests.generations.mirror.videos import mp4

TIMEOUT: Final = 3600.0  # s; a limit against hanging
PG_PORT, VALKEY_PORT, METRICS_PORT = 5432, 6379, 9100
TOKEN: Final = "metrics-of-the-measurement"


@dataclass
class Cluster:
    """The studio's processes by host. The servers are this program's own, as is cron."""

    studio: Studio
    workers: list[Host]
    webs: list[Host]
    processes: dict[str, Process] = field(default_factory=dict)

    def start_workers(self, count: int) -> None:
        for host in self.workers[:count]:
            self._start(host, "worker")

    def start_webs(self) -> None:
        self.studio.collect_static()
        for host in self.webs:
            self._start(host, "web")
        for host in self.webs:
            self.wait_for_page(host)

    def wait_for_page(self, host: Host, session: str = "") -> None:
        wait_for(lambda: self.answers(host, session) == 200, 120, lambda: _logs(self))

    def _start(self, host: Host, line: str) -> None:
        command = parse_line(line)
        self.processes[host.name] = self.studio.run(host.name, host.command(command))

    def stop_workers(self) -> None:
        for host in self.workers:
            if process := self.processes.pop(host.name, None):
                process.stop()

    def answers(self, host: Host, session: str = "") -> int:
        """The status of a page on this web host; 0 where none comes."""
        cookies = {"sessionid": session} if session else {}
        try:
            path = "/" if session else "/healthz"
            return httpx.get(f"http://{host.address}:{addresses.port()}{path}", cookies=cookies, timeout=5).status_code
        except httpx.HTTPError:
            return 0

    def submits(self, host: Host) -> int:
        """How many requests the worker there has sent."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        try:
            text = httpx.get(f"http://{host.address}:{METRICS_PORT}/metrics", headers=headers, timeout=10).text
        except httpx.HTTPError:
            return 0
        found = re.findall(r'fal_call_duration_seconds_count\{operation="submit"\} ([\d.]+)', text)
        return int(sum(map(float, found)))


def parse_line(name: str) -> str:
    """A line of the Procfile, without the wait before it."""
    lines = (addresses.ROOT / "Procfile").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return line.partition("&& exec ")[2]


# --- ten thousand, and a host that is unplugged -----------------------------------------------------------------------


def run_unplugged(cluster: Cluster, count: int) -> list[str]:
    """What went wrong, in words; the figures are printed."""
    create_generations(count)
    session = session_of(User.objects.get())
    cluster.start_webs()
    both = [cluster.answers(host, session) for host in cluster.webs]
    begun = time.monotonic()
    cluster.start_workers(2)
    progress = Progress(begun)
    at_fal, sent = Generation.objects.filter(status__in=AT_FAL), Generation.objects.exclude(request_id=None)
    _wait(progress, cluster, lambda: sent.count() == count)
    most = cluster.studio.sandbox.records()["counters"]["max_in_flight"]
    by_host = ", ".join(f"{cluster.submits(host):,} by {host.name}" for host in cluster.workers)
    print(f"{time.monotonic() - begun:.0f} s: all are sent, {by_host}; {most:,} were in flight at fal at one moment.")
    _wait(progress, cluster, lambda: Video.objects.count() >= count // 10)
    gone = [cluster.workers[0], cluster.webs[0]]
    for host in gone:
        host.unplug()
    print(
        f"{time.monotonic() - begun:.0f} s: {' and '.join(host.name for host in gone)} unplugged, with "
        f"{Video.objects.count():,} done, {at_fal.count():,} at fal, "
        f"{Generation.objects.filter(status=Status.MIRRORING).count():,} waiting to be copied, "
        f"{Generation.objects.filter(lease_until__isnull=False).count():,} in a worker's hands."
    )
    after = [cluster.answers(host, session) for host in cluster.webs]
    print(f"The gallery on web-1 and web-2, by one session: {both} before, {after} after (0: no answer).")
    _wait(progress, cluster, lambda: not Generation.objects.open().exists())
    print(f"{time.monotonic() - begun:.0f} s: all have ended.")
    for host in gone:
        host.plug_in()
    cluster.wait_for_page(gone[1], session)
    print("Plugged in again: web-1 answers as before.")
    cluster.stop_workers()
    problems = [] if both == [200, 200] and after == [0, 200] else ["a web host did not answer as it should"]
    return problems + judge(cluster)


def judge(cluster: Cluster) -> list[str]:
    """Nothing lost, nothing twice: fal's own records, the rows and the bucket say the same."""
    statuses = Counter(Generation.objects.values_list("status", flat=True))
    requests = cluster.studio.sandbox.records()["requests"]
    twice = [prompt for prompt, times in Counter(request["prompt"] for request in requests).items() if times > 1]
    audit = StorageAudit()
    findings = list(audit.findings())
    print(
        f"Rows: {dict(statuses)}. Requests at fal: {len(requests):,}, prompts asked for twice: {len(twice)}. "
        f"Bucket: {audit.objects:,} objects, {audit.known:,} known to rows, {len(findings)} differences."
    )
    problems = [f"{count} {status}" for status, count in statuses.items() if status != Status.DONE]
    problems += [f"asked for twice: {prompt}" for prompt in twice] + [str(finding) for finding in findings]
    if len(requests) != sum(statuses.values()) or Video.objects.count() != len(requests):
        problems.append(f"{len(requests)} requests at fal for {sum(statuses.values())} rows")
    return problems


def _wait(progress: Progress, cluster: Cluster, condition: Callable[[], bool]) -> None:
    """Says now and then how far it is."""

    def is_so() -> bool:
        progress.has_ended()
        return condition()

    wait_for(is_so, TIMEOUT, lambda: _logs(cluster))


def _logs(cluster: Cluster) -> str:
    return "\n".join(f"{name}: {process.log.read_text()[-1500:]}" for name, process in cluster.processes.items())


# --- one worker, then two ---------------------------------------------------------------------------------------------


def measure_throughput(cluster: Cluster, workers: int, count: int) -> float:
    """Finished videos a second, from the first to the last."""
    create_generations(count, f"{workers}-workers@example.com")
    before = Video.objects.count()
    cluster.start_workers(workers)
    wait_for(lambda: Video.objects.count() > before, TIMEOUT, lambda: _logs(cluster))
    begun, first = time.monotonic(), Video.objects.count()
    wait_for(lambda: not Generation.objects.open().exists(), TIMEOUT, lambda: _logs(cluster))
    seconds = time.monotonic() - begun
    cluster.stop_workers()
    return (Video.objects.count() - first) / seconds


# --- all of it --------------------------------------------------------------------------------------------------------


def listen_on_the_network() -> None:
    """The embedded servers have a Unix socket alone; here they are servers on a network, as in production."""
    postgres.SETTINGS.update(
        {"listen_addresses": "127.0.0.1", "tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10"}
        | {"tcp_keepalives_count": "3", "max_connections": "300"}
    )
    command = valkey._command
    valkey._command = lambda directory: [*command(directory), "--port", str(VALKEY_PORT), "--protected-mode", "no"]


def let_hosts_in(studio: Studio) -> None:
    """PostgreSQL trusts whoever is on this network; each host comes by the switch's address or its own."""
    with (studio.directory / "pg" / "data" / "pg_hba.conf").open("a") as file:
        file.write(f"host all all {SWITCH}/24 trust\n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_reload_conf()")


def environment(webs: list[Host]) -> dict[str, str]:
    """What a host is told: the servers' names, and that others may ask it."""
    return {
        "DATABASE_URL": f"postgres://postgres@127.0.0.1:{PG_PORT}/postgres",
        "REDIS_URL": f"redis://127.0.0.1:{VALKEY_PORT}/0",
        "HOST": "0.0.0.0",
        "ALLOWED_HOSTS": ",".join(host.address for host in webs),
        "METRICS_TOKEN": TOKEN,
        "METRICS_PORT": str(METRICS_PORT),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--render-seconds", type=float, default=150)
    parser.add_argument("--throughput-count", type=int, default=1000)
    arguments = parser.parse_args()
    try:
        enter_own_network()
        return measure(arguments)
    except NoHostsError as error:
        print(f"No hosts to be had here: {error}", file=sys.stderr)
        return 2


def measure(arguments: argparse.Namespace) -> int:
    ports = [PG_PORT, VALKEY_PORT, addresses.sandbox_port(), addresses.s3_port()]
    listen_on_the_network()
    with (
        tempfile.TemporaryDirectory() as directory,
        hosts(["worker-1", "worker-2", "web-1", "web-2"], ports) as found,
    ):
        clip = Path(directory) / "clip.mp4"
        clip.write_bytes(mp4(seconds=1))
        with running_studio(sandbox_options(arguments.render_seconds, clip), **environment(found[2:])) as studio:
            let_hosts_in(studio)
            cluster = Cluster(studio, found[:2], found[2:])
            studio.run("cron", parse_line("cron"))
            problems = run_unplugged(cluster, arguments.count)
            studio.sandbox.restart(SANDBOX_RENDER_SECONDS="1")
            one, two = (measure_throughput(cluster, workers, arguments.throughput_count) for workers in (1, 2))
    print(f"\n| worker hosts | videos a second |\n|---:|---:|\n| 1 | {one:.1f} |\n| 2 | {two:.1f} |")
    print("\n".join(problems[:20]) or "Nothing lost, nothing twice.")
    return report_targets([Target("lost or twice", len(problems), 0, at_most=True)])


if __name__ == "__main__":
    sys.exit(main())
