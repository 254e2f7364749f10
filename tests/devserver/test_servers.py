"""The embedded servers start, keep their data, live side by side and leave nothing behind."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
import psycopg
import pytest
import redis
from botocore.config import Config
from environs import Env
from mypy_boto3_s3 import S3Client

from devserver import addresses, postgres, s3, valkey
from devserver.postgres import running_postgres
from devserver.s3 import S3Address, free_ports, is_free, running_s3
from devserver.server import SOCKET_PATH_BYTES, AlreadyRunningError, DidNotStartError, wait_until
from devserver.valkey import running_valkey


@pytest.fixture(params=["short", "x" * 120])
def directory(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place whose socket path fits, and one whose does not: its socket is in the temporary directory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / str(request.param)


def client(address: S3Address) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=address.endpoint_url,
        aws_access_key_id=address.access_key,
        aws_secret_access_key=address.secret_key,
        region_name=address.region,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


class TestPostgres:
    def test_keeps_its_data(self, directory: Path) -> None:
        with running_postgres(directory) as first, psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        with running_postgres(directory) as second, psycopg.connect(second.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
            assert connection.execute("SHOW max_connections").fetchone() == ("200",)
        assert first.url == second.url == postgres.url(directory)
        assert not second.server.is_running()

    def test_django_understands_the_url(self, tmp_path: Path) -> None:
        odd = tmp_path / "with space, % and Größe"
        parsed = Env().dj_db_url("UNSET_NAME", postgres.url(odd))
        assert parsed["NAME"] == "postgres"
        assert parsed["OPTIONS"] == {"host": str(odd)}

    def test_only_its_owner_reaches_it(self, tmp_path: Path) -> None:
        with running_postgres(tmp_path / "pg"):
            assert (tmp_path / "pg" / postgres.SOCKET).stat().st_mode & 0o077 == 0
            assert (tmp_path / "pg").stat().st_mode & 0o077 == 0


class TestValkey:
    def test_keeps_what_was_queued(self, directory: Path) -> None:
        with running_valkey(directory) as first:
            redis.from_url(first.url).rpush("queue", "job")
        with running_valkey(directory) as second:
            assert redis.from_url(second.url).lrange("queue", 0, -1) == [b"job"]
        assert first.url == second.url == valkey.url(directory)

    def test_an_odd_path(self, tmp_path: Path) -> None:
        with running_valkey(tmp_path / "with space, % and #") as running:
            assert redis.from_url(running.url).ping()


class TestS3:
    @pytest.mark.parametrize("program", ["weed", "rclone"])
    def test_keeps_its_objects_on_another_port(self, tmp_path: Path, program: str) -> None:
        for attempt in ("first", "second"):
            running = s3.start(tmp_path / "s3", free_ports(s3.PORTS), program=program)
            try:
                bucket = client(running.address)
                if attempt == "first":
                    bucket.put_object(Bucket=running.address.bucket, Key="a/b", Body=b"kept")
                assert bucket.get_object(Bucket=running.address.bucket, Key="a/b")["Body"].read() == b"kept"
            finally:
                running.stop()

    def test_a_wrong_key_is_refused(self, tmp_path: Path) -> None:
        with running_s3(tmp_path) as address:
            stranger = client(S3Address(address.endpoint_url, secret_key="wrong"))
            with pytest.raises(stranger.exceptions.ClientError, match="SignatureDoesNotMatch"):
                stranger.list_objects_v2(Bucket=address.bucket)

    def test_listens_on_its_own_ports_only(self, tmp_path: Path) -> None:
        port = free_ports(s3.PORTS)
        with running_s3(tmp_path, port):
            assert not is_free(port)
            assert is_free(port - 1)
            assert is_free(port + s3.PORTS)


def test_two_copies_side_by_side(tmp_path: Path) -> None:
    with (
        running_postgres(tmp_path / "one" / "pg") as one,
        running_postgres(tmp_path / "two" / "pg") as two,
        running_valkey(tmp_path / "one" / "valkey") as queue_one,
        running_valkey(tmp_path / "two" / "valkey") as queue_two,
        running_s3(tmp_path / "one" / "s3") as bucket_one,
        running_s3(tmp_path / "two" / "s3") as bucket_two,
    ):
        assert one.url != two.url
        redis.from_url(queue_one.url).set("mine", "1")
        assert redis.from_url(queue_two.url).get("mine") is None
        client(bucket_one).put_object(Bucket=bucket_one.bucket, Key="mine", Body=b"1")
        assert client(bucket_two).list_objects_v2(Bucket=bucket_two.bucket)["KeyCount"] == 0


class TestOwnership:
    def test_a_directory_has_one_server(self, tmp_path: Path) -> None:
        with running_valkey(tmp_path), pytest.raises(AlreadyRunningError, match="already runs"):
            valkey.start(tmp_path)

    def test_a_broken_server_shows_its_log(self, tmp_path: Path) -> None:
        with running_valkey(tmp_path) as running:
            redis.from_url(running.url).set("a", "b")
        (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense")
        with pytest.raises(DidNotStartError, match="manifest"):
            valkey.start(tmp_path)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("module", ["postgres", "valkey"])
    def test_in_the_foreground_until_told(self, tmp_path: Path, module: str, number: signal.Signals) -> None:
        runner, server = foreground(module, tmp_path)
        runner.send_signal(number)
        assert runner.wait(10) == 0
        assert ended(server)

    @pytest.mark.parametrize("module", ["postgres", "valkey"])
    def test_nothing_outlives_a_killed_runner(self, tmp_path: Path, module: str) -> None:
        runner, server = foreground(module, tmp_path)
        runner.kill()
        runner.wait(10)
        assert wait_until(lambda: ended(server), 10)

    def test_a_leftover_is_ended_first(self, tmp_path: Path) -> None:
        subprocess.run([sys.executable, "-c", KILLED_OWNER, str(tmp_path)], cwd=addresses.ROOT, check=False)
        leftover = int((tmp_path / "pid").read_text())
        assert not ended(leftover)
        with running_valkey(tmp_path) as running:
            assert redis.from_url(running.url).ping()
        assert ended(leftover)


# as where the system can't end a child with its parent
KILLED_OWNER = """
import os, pathlib, signal, sys
from devserver import server, valkey
server._LIBC = None
valkey.start(pathlib.Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def foreground(module: str, directory: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """A runner as the Procfile has it, and the number of its server."""
    home = directory / module
    runner = subprocess.Popen([sys.executable, "-m", f"devserver.{module}", str(home)], cwd=addresses.ROOT)
    ready = home / ("data/postmaster.pid" if module == "postgres" else "valkey.sock")
    assert wait_until(lambda: ready.exists() and (home / "pid").exists(), 20)
    time.sleep(0.2)
    return runner, int((home / "pid").read_text())


def ended(pid: int) -> bool:
    """Whether no process has this number; one that only waits for its parent counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


class TestAddresses:
    def test_ports_follow_the_studio_s(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "9000")
        assert addresses.sandbox_url() == "http://127.0.0.1:9001"
        assert addresses.s3_address().endpoint_url == "http://127.0.0.1:9002"
        assert addresses.s3_port() + s3.PORTS <= 9020

    def test_a_running_launcher_s_port_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PORT")
        monkeypatch.setenv("VAR_DIR", str(tmp_path))
        assert addresses.port() == addresses.DEFAULT_PORT
        (tmp_path / "port").write_text("9100")
        assert addresses.port() == 9100

    def test_a_long_path_gives_a_short_socket(self, tmp_path: Path) -> None:
        url = valkey.url(tmp_path / ("y" * 120))
        assert len(url) - len("unix://") <= SOCKET_PATH_BYTES
        assert url == valkey.url(tmp_path / ("y" * 120)) != valkey.url(tmp_path / ("z" * 120))
