"""The embedded PostgreSQL: kept, alone in its folder, and gone when its parent is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from learnda.local import binaries
from learnda.local.postgres import EmbeddedPostgres, PostgresUnavailableError

HOLDER = """
import sys, time
from pathlib import Path
from learnda.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that, as root, no other user can enter, with a path as short as a socket needs."""
    path = Path(tempfile.mkdtemp(prefix="pg-"))
    yield path / "data"
    shutil.rmtree(path, ignore_errors=True)


def started(folder: Path) -> EmbeddedPostgres:
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    return server


def query(url: str, sql: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def gone(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def test_data_are_kept_between_starts(folder: Path) -> None:
    with EmbeddedPostgres(folder) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(folder) as url:
        assert query(url, "SELECT answer FROM kept") == 42


def test_only_a_private_socket_listens(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as url:
        assert query(url, "SHOW listen_addresses") == ""
        assert query(url, "SHOW server_encoding") == "UTF8"
    assert (folder / "postgres" / "socket").stat().st_mode & 0o777 == 0o700
    assert (folder / "postgres").stat().st_mode & 0o777 == 0o700


def test_as_root_the_server_is_not_root(folder: Path) -> None:
    server = started(folder)
    assert server.process is not None
    owner = Path(f"/proc/{server.process.pid}").stat().st_uid
    server.stop()
    assert owner == folder.joinpath("postgres").stat().st_uid
    assert owner != 0


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    server = started(folder / ("long" * 20) / ("longer" * 20))
    link = Path(psycopg.conninfo.conninfo_to_dict(server.url)["host"])  # type: ignore[arg-type]
    assert query(server.url, "SELECT 1") == 1
    assert link.is_symlink()
    server.stop()
    assert not link.parent.exists()


def test_a_second_one_in_the_same_folder_is_refused(folder: Path) -> None:
    server = started(folder)
    with pytest.raises(PostgresUnavailableError, match=f"in use by another.*{os.getpid()}"):
        EmbeddedPostgres(folder).start()
    assert query(server.url, "SELECT 1") == 1  # and the first is not disturbed
    server.stop()


def test_it_dies_with_its_parent_and_the_data_survive(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())
    holder.kill()
    holder.wait()
    holder.stdout.close()
    server = started(folder)  # at once: it waits for the old one to go
    assert gone(pid)
    assert query(server.url, "SELECT 1") == 1
    server.stop()


def test_it_starts_again_after_a_crash(folder: Path) -> None:
    server = started(folder)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert not server.is_running()
    deadline = time.monotonic() + 20
    while not server.is_ready():  # workers of the dead one may still hold its memory
        assert time.monotonic() < deadline
        if not server.is_running():
            server.spawn()
        time.sleep(0.05)
    assert query(server.url, "SELECT answer FROM kept") == 42
    server.stop()


def test_a_stale_pid_file_that_names_a_living_stranger_is_ignored(folder: Path) -> None:
    started(folder).stop()
    pid_file = folder / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{folder}\n0\n5432\n\n\n")
    server = started(folder)
    assert query(server.url, "SELECT 1") == 1
    server.stop()


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    started(folder).stop()
    (folder / "postgres" / "data" / "PG_VERSION").unlink()
    with EmbeddedPostgres(folder, durable=False) as url:
        assert query(url, "SELECT 1") == 1


def test_data_of_a_version_that_is_not_here_are_left_alone(folder: Path) -> None:
    started(folder).stop()
    version = folder / "postgres" / "data" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(PostgresUnavailableError, match=r"PostgreSQL 9 was not found"):
        EmbeddedPostgres(folder).start()
    assert version.read_text() == "9\n"


def test_the_lock_is_let_go_when_a_start_fails(folder: Path) -> None:
    started(folder).stop()
    version = folder / "postgres" / "data" / "PG_VERSION"
    right = version.read_text()
    version.write_text("9\n")
    with pytest.raises(PostgresUnavailableError):
        EmbeddedPostgres(folder).start()
    version.write_text(right)
    started(folder).stop()


def test_settings_in_the_environment_do_not_leak_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "nowhere")
    monkeypatch.setenv("LC_ALL", "no_SUCH.locale")
    with EmbeddedPostgres(folder, durable=False) as url:
        assert query(url, "SELECT current_database()") == "postgres"


def test_what_cannot_start_says_why(folder: Path) -> None:
    started(folder).stop()
    (folder / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(PostgresUnavailableError, match="no_such_setting"):
        EmbeddedPostgres(folder).start()


def test_programs_out_of_reach_of_their_user_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in installation in a closed folder, and a user who may not enter it."""
    if os.geteuid() != 0:  # an ordinary user runs what it can read: nothing is to be copied
        assert binaries.find(None, None).major >= binaries.OLDEST_MAJOR
        return
    package = next(binaries._candidates()).parent.parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / part, closed / part, symlinks=True)
    copies = Path(tempfile.mkdtemp(prefix="copies-"))
    theirs = closed / package.name / "pginstall" / "bin"
    monkeypatch.setattr(binaries, "_candidates", lambda: iter([theirs]))
    monkeypatch.setattr(binaries, "SHARED_COPIES", copies / "learn-da")
    copies.chmod(0o755)
    nobody = binaries.Account(65534, 65534)
    found = binaries.find(nobody, None)
    assert found.folder.is_relative_to(copies)
    assert binaries.find(nobody, None) == found  # the copy is used again
    assert len(list((copies / "learn-da").iterdir())) == 1
    assert found.folder.joinpath("postgres").stat().st_uid == 0
    shutil.rmtree(copies)


def test_signals_to_the_terminal_do_not_reach_it(folder: Path) -> None:
    server = started(folder)
    assert server.process is not None
    assert os.getsid(server.process.pid) == server.process.pid
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) == 0
    server.stop()
