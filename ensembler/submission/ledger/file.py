"""The ledger's file: an SQLite database for several processes, its schema, versions and errors.

It uses a rollback journal. A write-ahead log needs shared memory, which network drives lack, and writes a file even for
reading, which a read-only folder refuses.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...errors import BadData, StorageError

# No writer locks the file longer, even on a slow disk.
LOCK_TIMEOUT_SECONDS = 30.0
# Identifies the database in its header: "ensl".
APPLICATION_ID = 0x656E736C

Migrations = tuple[tuple[str, ...], ...]
# One entry per version of the schema: the statements that migrate the previous version. Released entries are never
# changed. STRICT and RETURNING are avoided, because Python may be linked to an SQLite of 2018.
MIGRATIONS: Migrations = (
    (
        """
        CREATE TABLE answers (
            id INTEGER PRIMARY KEY,
            competition TEXT NOT NULL,
            slug TEXT NOT NULL,
            path TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            total_bytes INTEGER NOT NULL,
            made TEXT NOT NULL,
            kind TEXT NOT NULL,
            stack TEXT NOT NULL,
            members TEXT NOT NULL,
            folds TEXT NOT NULL,
            samples TEXT NOT NULL,
            metric TEXT NOT NULL,
            larger_is_better INTEGER,
            own REAL,
            own_error REAL,
            own_log_loss REAL,
            UNIQUE (competition, sha256, path)
        )
        """,
        """
        CREATE TABLE uploads (
            id INTEGER PRIMARY KEY,
            answer INTEGER REFERENCES answers (id),
            slug TEXT NOT NULL,
            file_name TEXT NOT NULL,
            total_bytes INTEGER NOT NULL,
            description TEXT NOT NULL,
            ref INTEGER,
            began TEXT,
            submitted TEXT,
            status TEXT NOT NULL,
            public REAL,
            private REAL,
            reason TEXT NOT NULL,
            UNIQUE (slug, ref)
        )
        """,
        "CREATE INDEX uploads_of_answers ON uploads (answer)",
    ),
    ("ALTER TABLE answers ADD COLUMN own_corrected REAL",),
)


@dataclass(frozen=True)
class LedgerFile:
    """The database at ``path``, which need not exist. It is opened for each use, so threads and forks may share it.

    ``timeout_seconds`` is the time to wait for a lock. Blocks raise ``BadData`` if the file is damaged, foreign or of a
    newer version, and ``StorageError`` if the disk refuses or another process locks the file too long.
    """

    path: Path
    timeout_seconds: float = LOCK_TIMEOUT_SECONDS
    migrations: Migrations = MIGRATIONS

    @contextlib.contextmanager
    def open_snapshot(self) -> Iterator[sqlite3.Connection]:
        """Open a snapshot with the current schema. Nothing is written to the disk."""
        if not self.path.exists():
            with closing(self._build_in_memory()) as empty:
                yield empty
            return
        # Not mode=ro: the transaction of a killed writer must be rolled back before reading.
        with _translate_errors(self.path), closing(self._connect("rw")) as connection:
            connection.execute("BEGIN")
            if self._read_version(connection) == len(self.migrations):
                yield connection
                return
            with closing(self._build_in_memory(connection)) as migrated:
                yield migrated

    @contextlib.contextmanager
    def open_transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction, which is rolled back if the block fails. The file is created if needed."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError.from_os(error) from error
        with _translate_errors(self.path), closing(self._connect("rwc")) as connection:
            # Immediate: two transactions that read first and then write would block each other.
            connection.execute("BEGIN IMMEDIATE")
            # Failures from here on are rolled back when the connection closes.
            self._migrate(connection, self._read_version(connection))
            yield connection
            connection.execute("COMMIT")

    def _connect(self, mode: str) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=self.timeout_seconds, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _read_version(self, connection: sqlite3.Connection) -> int:
        """Return the version of the schema; 0 for an empty database."""
        version = _query_number(connection, "PRAGMA user_version")
        application = _query_number(connection, "PRAGMA application_id")
        if application != APPLICATION_ID and (version or application or _query_number(connection, _COUNT_TABLES)):
            raise BadData(f"{self.path} is a database of another program: move it away to start a new ledger.")
        if version > len(self.migrations):
            raise BadData(
                f"{self.path} was written by a newer ensembler (version {version}; supported is "
                f"{len(self.migrations)}): update ensembler, or choose another folder with --submissions."
            )
        # A ledger is small, so a full check costs almost nothing.
        if (report := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise _build_damaged_error(self.path, " ".join(str(report).split()))
        return version

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        """Migrate the schema to the current version, inside the caller's transaction."""
        if version == len(self.migrations):
            return
        for statements in self.migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(self.migrations)}")

    def _build_in_memory(self, source: sqlite3.Connection | None = None) -> sqlite3.Connection:
        """Return a database in memory with the current schema: an empty one, or a copy of ``source``."""
        copy = sqlite3.connect(":memory:", isolation_level=None)
        copy.row_factory = sqlite3.Row
        if source is not None:
            source.backup(copy)
        self._migrate(copy, _query_number(copy, "PRAGMA user_version"))
        return copy


_COUNT_TABLES = "SELECT count(*) FROM sqlite_master"


def _query_number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _build_damaged_error(path: Path, reason: str) -> BadData:
    return BadData(
        f"{path} is damaged ({reason}): move it away to start a new ledger, which `ensembler submissions` fills from "
        "Kaggle; the CSVs are not affected."
    )


_ELSEWHERE = "choose another folder with --submissions"
_LOCKED_REMEDY = (
    f"try again when the other program has finished; on a network drive that cannot lock files, {_ELSEWHERE}"
)
_PERMISSIONS_REMEDY = f"change its permissions and its folder's, or {_ELSEWHERE}"
_REMEDIES = {
    sqlite3.SQLITE_FULL: f"free some space, or {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: _LOCKED_REMEDY,
    sqlite3.SQLITE_LOCKED: _LOCKED_REMEDY,
    sqlite3.SQLITE_PROTOCOL: _LOCKED_REMEDY,
    sqlite3.SQLITE_READONLY: _PERMISSIONS_REMEDY,
    sqlite3.SQLITE_CANTOPEN: _PERMISSIONS_REMEDY,
    sqlite3.SQLITE_PERM: _PERMISSIONS_REMEDY,
    sqlite3.SQLITE_AUTH: _PERMISSIONS_REMEDY,
    sqlite3.SQLITE_IOERR: f"check the disk, or {_ELSEWHERE}",
    sqlite3.SQLITE_NOLFS: f"the file is too large for this disk: {_ELSEWHERE}",
}


@contextlib.contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Translate errors of SQLite, except those that only a bug can cause."""
    try:
        yield
    except sqlite3.Error as error:
        # The lower byte is the kind of error; the rest is the operation that failed.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _build_damaged_error(path, str(error)) from error
        if code not in _REMEDIES:
            raise
        raise StorageError(f"Cannot write or read {path} ({error}): {_REMEDIES[code]}.") from error
