"""The upgrade of docs/upgrade.md, tried on real servers: the last release serves and works on while the new version's
migrations run, then the new one takes over. Nothing is lost, nothing is sent twice, and no page of the old one breaks.
"""

import io
import json
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from devserver import addresses
from devserver.s3 import S3Address
from devserver.server import die_with_parent
from devserver.valkey import Valkey
from generations import bucket
from tests.deploy.second_studio import SecondStudio, second_studio, url_of
from tests.generations.mirror.videos import mp4
from tests.sandbox_process import Sandbox, free_port, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)

# the last release; there is no tag of it, so this is the commit that calls itself 0.2.0
RELEASE: Final = "95f08aa30cec59c43f8ce86e32b27732cbc50296"
AT_FAL: Final = 3
WORK: Final = 6
PREFIX: Final = "Work under way "
TIMEOUT: Final = 300.0  # s; a limit against hanging, not a measure
PROGRAMS: Final = {
    "web": ["-m", "config.web"],
    "worker": ["manage.py", "rqworker", "default", "--verbosity", "0"],
    "cron": ["manage.py", "rqcron", "generations.cron", "--logging-level", "WARNING", "--skip-checks"],
}


@pytest.fixture
def old_tree(tmp_path: Path) -> Path:
    """The release's files, out of the history."""
    git = ["git", "-C", str(addresses.ROOT)]
    archive = subprocess.run([*git, "archive", "--format=zip", RELEASE], capture_output=True, check=False)
    if archive.returncode:
        said = archive.stderr.decode()[:200]
        pytest.skip(f"This clone has no history back to {RELEASE[:7]}, the last release: {said}")
    tree = tmp_path / "old"
    with zipfile.ZipFile(io.BytesIO(archive.stdout)) as opened:  # tarfile asks for a filter that Python 3.11.2 lacks
        opened.extractall(tree)
    (tree / "tests" / "old_version_work.py").write_bytes(Path(__file__).with_name("old_version_work.py").read_bytes())
    return tree


@pytest.fixture
def sandbox_of_trial(tmp_path: Path) -> Iterator[Sandbox]:
    """Nothing that it renders ends before it is restarted."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(mp4(seconds=0.25))
    with running_sandbox(tmp_path / "sandbox", SANDBOX_CLIP=str(clip), SANDBOX_RENDER_SECONDS="3600") as running:
        yield running


@pytest.fixture
def studio(s3: S3Address, valkey: Valkey, sandbox_of_trial: Sandbox) -> Iterator[SecondStudio]:
    fal = sandbox_of_trial.url
    with second_studio(f"upgraded{uuid.uuid4().hex[:8]}", s3) as studio:
        studio.environment.update(
            REDIS_URL=f"{valkey.url}?db=5",
            PORT=str(free_port()),
            FAL_QUEUE_URL=fal,
            FAL_REST_URL=fal,
            FAL_API_URL=f"{fal}/v1",
            FAL_MAX_RUNNING=str(AT_FAL),
            GENERATION_GIVE_UP_HOURS="24",
            WEB_CONCURRENCY="1",
            LOG_LEVEL="WARNING",
        )
        yield studio


@contextmanager
def running(tree: Path, studio: SecondStudio, log: Path) -> Iterator[None]:
    """Web, worker and cron of a version; SIGTERM ends them."""
    with ExitStack() as stack:
        out = stack.enter_context(log.open("ab"))
        started = [
            subprocess.Popen(
                [sys.executable, "-W", "ignore", *command],
                cwd=tree,
                env=studio.environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  only a system call
            )
            for command in PROGRAMS.values()
        ]
        try:
            wait_for(lambda: answers(studio), log)
            yield
            assert [process.poll() for process in started] == [None] * len(started), log.read_text()[-3000:]
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(60)


def address(studio: SecondStudio) -> str:
    return f"http://127.0.0.1:{studio.environment['PORT']}"


def answers(studio: SecondStudio) -> bool:
    try:
        return httpx.get(f"{address(studio)}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    give_up = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < give_up, log.read_text()[-3000:]
        time.sleep(0.2)


def states(studio: SecondStudio) -> Counter[str]:
    """Of the work, by the columns that both versions have."""
    with psycopg.connect(url_of(studio.name)) as database:
        found = database.execute("SELECT status FROM generations_generation WHERE prompt LIKE %s", [f"{PREFIX}%"])
        return Counter(status for (status,) in found)


def old(tree: Path, studio: SecondStudio, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        cwd=tree,
        env=studio.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def broken_pages(studio: SecondStudio, people: dict[str, Any]) -> list[str]:
    """Each page asked for once, in the admin by staff; those that are an error of the studio."""
    browsers = {
        is_staff: httpx.Client(
            base_url=address(studio), cookies={"sessionid": people["staff" if is_staff else "person"]}, timeout=60
        )
        for is_staff in (True, False)
    }
    statuses = {path: browsers[is_staff].get(path).status_code for path, is_staff in people["pages"]}
    assert Counter(statuses.values())[200] > len(statuses) / 3, statuses
    return [f"{status} {path}" for path, status in statuses.items() if status >= 500 and path != "/readyz"]


def test_release_is_upgraded_while_it_works(
    old_tree: Path, studio: SecondStudio, sandbox_of_trial: Sandbox, tmp_path: Path
) -> None:
    old_log, new_log = tmp_path / "old.log", tmp_path / "new.log"
    old(old_tree, studio, "manage.py", "migrate", "--verbosity", "0", "--skip-checks")
    people = json.loads(old(old_tree, studio, "-m", "tests.old_version_work", "prepare", str(WORK)))
    with running(old_tree, studio, old_log):
        wait_for(lambda: states(studio)["rendering"] == AT_FAL, old_log)

        check = studio.manage("upgrade_check")
        assert check.returncode == 0, check.stdout + check.stderr
        assert "generations.0003_usual_time: Safe while the old version serves" in check.stdout
        assert f"{AT_FAL} are at fal" in check.stdout
        backup = studio.manage("backup", str(tmp_path / "backup"))
        assert backup.returncode == 0, backup.stderr
        assert studio.manage("migrate", "--verbosity", "0", "--skip-checks").returncode == 0

        assert broken_pages(studio, people) == []
        acts = json.loads(old(old_tree, studio, "-m", "tests.old_version_work", "act", "0"))
        assert acts == {"ordered": 302, "decided": True}
        assert states(studio) == {"rendering": AT_FAL, "queued": WORK + 1 - AT_FAL}
        assert "UndefinedColumn" not in old_log.read_text()
    with running(addresses.ROOT, studio, new_log):
        assert broken_pages(studio, people | {"pages": [["/", False], ["/admin/", True]] * 2}) == []
        sandbox_of_trial.restart(SANDBOX_RENDER_SECONDS="0")
        wait_for(lambda: states(studio) == {"done": WORK + 1}, new_log)
    sends = Counter(each["prompt"] for each in sandbox_of_trial.records()["requests"])
    assert sends == dict.fromkeys([*(f"{PREFIX}{number}" for number in range(WORK)), f"{PREFIX}of the old version"], 1)
    with psycopg.connect(url_of(studio.name)) as database:
        videos = database.execute(
            "SELECT v.key, v.size FROM generations_video v JOIN generations_generation g ON g.id = v.generation_id "
            "WHERE g.prompt LIKE %s",
            [f"{PREFIX}%"],
        ).fetchall()
    stored = {key: bucket.client().head_object(Bucket=studio.name, Key=key)["ContentLength"] for key, _ in videos}
    assert stored == dict(videos)
    assert len(stored) == WORK + 1
