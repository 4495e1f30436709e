"""A PostgreSQL of our own: real binaries, a private unix socket, gone when its parent is gone.

As root the server runs as ``nobody`` (or whoever owns the data), entering the data folder through
``/proc/self/cwd``: no parent folder has to be opened to others.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from learnda.local.binaries import Account, Binaries, PostgresUnavailableError, find, identity
from learnda.local.processes import die_with_parent

SOCKET_PATH_LIMIT = 100  # bytes, with some room; the kernel's limit is 107
LOG_LIMIT = 10_000_000  # bytes
START_SECONDS = 60.0  # crash recovery included
OWN_FOLDER = "/proc/self/cwd"
STOP_SIGNALS = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))  # fast ... hard


class EmbeddedPostgres:
    """One cluster under ``data_dir/postgres``, kept between starts.

    ``start()`` and ``stop()`` do everything. A supervisor with an event loop of its own takes the
    steps singly: ``prepare()`` (slow the first time), ``spawn()`` (in a thread that stays),
    ``is_ready()``. After a crash ``spawn()`` starts it again, with the data as they were.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        """``durable=False``, for tests, survives every crash but the machine's: no fsync."""
        self._root = data_dir.absolute()
        self._home = self._root / "postgres"
        self._data = self._home / "data"
        self._durable = durable
        self._binaries: Binaries | None = None
        self._account: Account | None = None
        self._lock: int | None = None
        self._address: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server, wait until it answers, return its URL for psycopg."""
        self.prepare()
        try:
            self.spawn()
            deadline = time.monotonic() + START_SECONDS
            while not self.is_ready():
                if not self.is_running() or time.monotonic() > deadline:
                    raise PostgresUnavailableError(f"PostgreSQL does not start:\n{self.log_tail()}")
                time.sleep(0.02)
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Stop the server (its clients are disconnected) and leave the folder to others."""
        if self.process is not None:
            for sig, seconds in (
                (signal.SIGINT, 4.0),
                (signal.SIGQUIT, 2.0),
                (signal.SIGKILL, 2.0),
            ):
                if not self.is_running():
                    break
                self.process.send_signal(sig)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(seconds)
            self.process = None
        if self._address is not None and self._address.is_symlink():
            shutil.rmtree(self._address.parent, ignore_errors=True)
        self._address = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of the database, for psycopg and libpq."""
        assert self._address is not None, "prepare() comes first"
        return (
            f"postgresql://postgres@/postgres?host={quote(str(self._address), safe='')}&port=5432"
        )

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """True when it answers a query."""
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the server's log."""
        try:
            text = self._log_path.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    # ------------------------------------------------------------ steps

    def prepare(self) -> None:
        """Lock the folder, find the programs, make the cluster if there is none."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._account = self._own_folder()
            self._remove_orphan()
            version = self._data / "PG_VERSION"
            major = int(version.read_text()) if version.exists() else None
            self._binaries = find(self._account, major)
            if major is None:
                self._make_cluster()
            self._address = self._socket_address()
        except BaseException:
            self.stop()
            raise

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server process; ``is_ready()`` says when it can be used."""
        assert self._binaries is not None, "prepare() comes first"
        assert self._address is not None
        self._remove_orphan()
        options = {"listen_addresses": "", "max_connections": "100", "logging_collector": "off"}
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        as_root = self._account is not None
        command: list[str | Path] = [
            self._binaries.folder / "postgres",
            *("-D", OWN_FOLDER if as_root else self._data),
            *("-k", "../socket" if as_root else self._address),
            *("-p", "5432"),
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        with open(self._log_path, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self._data,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # its fast, clean shutdown
                **identity(self._account),
            )
        return self.process

    # ------------------------------------------------------------ details

    @property
    def _log_path(self) -> Path:
        return self._root / "postgres.log"

    def _take_lock(self) -> None:
        """Hold the folder for this process; the kernel lets go when the process dies."""
        if self._lock is not None:
            return
        try:
            lock = os.open(
                self._root / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644
            )
        except PermissionError as error:
            raise PostgresUnavailableError(f"{self._root} belongs to another user") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise PostgresUnavailableError(
                f"{self._root} is in use by another LEARN-DA (process {holder}); stop it, or "
                "choose another folder with LEARNDA_DATA_DIR"
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def _own_folder(self) -> Account | None:
        """Make the cluster's folder; say whom the server runs as (None: as we are)."""
        as_root = os.geteuid() == 0
        for folder in (self._home, self._home / "socket"):
            folder.mkdir(mode=0o700, exist_ok=True)
            if as_root and folder.stat().st_uid == 0:
                owner = self._home.stat()
                nobody = pwd.getpwnam("nobody")
                uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else nobody[2:4]
                os.chown(folder, uid, gid)
            folder.chmod(0o700)
        owner = self._home.stat()
        if not as_root and owner.st_uid != os.geteuid():
            raise PostgresUnavailableError(f"{self._home} belongs to another user")
        log = self._log_path
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.old"))
        return Account(owner.st_uid, owner.st_gid) if as_root else None

    def _make_cluster(self) -> None:
        """Run initdb beside the final place, so that a half-made cluster is never taken for one."""
        assert self._binaries is not None
        scratch = self._home / "data.new"
        for leftover in (scratch, self._data):
            shutil.rmtree(leftover, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(scratch, self._account.uid, self._account.gid)
        done = subprocess.run(
            [
                self._binaries.folder / "initdb",
                *("-D", OWN_FOLDER if self._account is not None else scratch),
                *("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"),
                *("--no-sync", "--no-instructions"),
            ],
            cwd=scratch,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
            **identity(self._account),
        )
        if done.returncode != 0:
            output = done.stdout.decode(errors="replace")
            raise PostgresUnavailableError(f"initdb failed:\n{output}")
        os.sync()
        scratch.rename(self._data)

    def _socket_address(self) -> Path:
        """The socket's folder; through a short link where its own path is too long for a socket."""
        folder = self._home / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.5432")) < SOCKET_PATH_LIMIT:
            return folder
        link = Path(tempfile.mkdtemp(prefix="learn-da-", dir="/tmp")) / "socket"
        link.symlink_to(folder)
        return link

    def _remove_orphan(self) -> None:
        """Wait for a server whose parent died (we hold the lock, so it is nobody's), or end it."""
        pid_file = self._data / "postmaster.pid"
        deadline = time.monotonic() + 5.0
        while (pid := self._orphan(pid_file)) is not None:
            late = time.monotonic() > deadline
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGINT)
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)

    def _orphan(self, pid_file: Path) -> int | None:
        """The process in ``pid_file`` if it is a server on our data, not some later process."""
        try:
            pid = int(pid_file.read_text().splitlines()[0])
            if Path(f"/proc/{pid}/cwd").samefile(self._data):
                return pid
        except (OSError, ValueError, IndexError):
            pass
        return None


def _environment() -> dict[str, str]:
    """Nothing of ours: PGPORT, LC_ALL and the like would change what the server does."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
