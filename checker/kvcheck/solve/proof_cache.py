"""What was proved before, kept in one SQLite file that several runs may share.

It decides where an answer is kept and when one may be trusted again; what a key covers is for
`cache_key`, and what an answer means for its engine. A cache never makes a run fail: one that is
broken or of another version is renamed and left for its owner to look at, and one that cannot be
written is done without; both are told as warnings.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORMAT = 1
FILE_NAME = "proofs.sqlite"
BUSY_SECONDS = 10.0
SET_ASIDE_MAX = 1000


class ProofCache:
    """Texts by key in `directory`; `warnings` says in order what went wrong, if anything."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.warnings: list[str] = []
        self._connection: sqlite3.Connection | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with _only_one(directory):
                self._connection = self._opened()
        except (OSError, sqlite3.Error) as fault:
            self._give_up(f"cannot be opened ({fault})")

    @property
    def path(self) -> Path:
        """The file that holds the answers."""
        return self.directory / FILE_NAME

    def get(self, key: str) -> str | None:
        """The text kept under the key, or None; a damaged row counts as absent."""
        if self._connection is None:
            return None
        try:
            query = "SELECT payload, digest FROM proofs WHERE key = ?"
            row = self._connection.execute(query, (key,)).fetchone()
        except sqlite3.Error as fault:
            self._give_up(f"cannot be read ({fault})")
            return None
        if row is None or not isinstance(row[0], str) or _digest(row[0]) != row[1]:
            return None
        return row[0]

    def put(self, key: str, payload: str) -> None:
        """Keep a text; a key that is there already keeps the newer one."""
        if self._connection is None:
            return
        try:
            self._connection.execute(
                "INSERT OR REPLACE INTO proofs VALUES (?, ?, ?)", (key, payload, _digest(payload))
            )
        except sqlite3.Error as fault:
            self._give_up(f"cannot be written ({fault})")

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _give_up(self, why: str) -> None:
        self.warnings.append(
            f"The proof cache {self.path} {why}. The disk may be full or the folder read-only. "
            "This run goes on without it; choose another folder or free some space."
        )
        self.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except _Foreign as fault:
            reason = str(fault)
        except sqlite3.DatabaseError as fault:
            if isinstance(fault, sqlite3.OperationalError):
                raise
            reason = f"is damaged ({fault})"
        aside = _set_aside(self.path)
        self.warnings.append(
            f"The proof cache {self.path} {reason}. It was kept as {aside.name} and a new one "
            "begun. Delete the old file when you are sure that nothing needs it."
        )
        return _connect(self.path)


class _Foreign(Exception):
    """The file is a cache of another version, or of another program."""


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
        if version != FORMAT and (version or tables):
            raise _Foreign(f"has version {version} where this checker writes {FORMAT}")
        (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise sqlite3.DatabaseError(sound)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS proofs "
            "(key TEXT PRIMARY KEY, payload TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID"
        )
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_aside(path: Path) -> Path:
    """Rename the file to the first free name, its write-ahead log with it."""
    for number in range(1, SET_ASIDE_MAX):
        aside = path.with_name(f"{path.name}.set-aside-{number}")
        if not aside.exists():
            path.rename(aside)
            for suffix in ("-wal", "-shm"):
                companion = path.with_name(path.name + suffix)
                if companion.exists():
                    companion.rename(aside.with_name(aside.name + suffix))
            return aside
    raise OSError(f"{path} was set aside {SET_ASIDE_MAX} times already")


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Let one process at a time look at the file and perhaps rename it."""
    try:
        import fcntl
    except ImportError:  # no such lock on this platform: renaming is rare, and loses nothing
        yield
        return
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)


def _digest(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()


def cache_key(*parts: str) -> str:
    """One name for all that an answer depends on: each part counts, and so does their order."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(f"{len(encoded)}:".encode())
        digest.update(encoded)
    return digest.hexdigest()
