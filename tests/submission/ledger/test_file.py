from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensembler.errors import BadData, StorageError
from ensembler.submission.ledger.file import MIGRATIONS, LedgerFile

NEXT = (*MIGRATIONS, ("ALTER TABLE uploads ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",))
BROKEN = (*MIGRATIONS, ("ALTER TABLE uploads ADD COLUMN note TEXT", "NONSENSE"))

ADD = """
    INSERT INTO uploads (slug, file_name, total_bytes, description, ref, status, reason)
    VALUES ('dogs', 'a.csv', 1, '', ?, 'COMPLETE', '')
"""


def add_upload(file: LedgerFile, ref: int) -> None:
    with file.open_transaction() as connection:
        connection.execute(ADD, (ref,))


def refs(file: LedgerFile) -> list[int]:
    with file.open_snapshot() as connection:
        return [row["ref"] for row in connection.execute("SELECT ref FROM uploads ORDER BY id")]


def columns(file: LedgerFile) -> list[str]:
    with file.open_snapshot() as connection:
        return [row["name"] for row in connection.execute("PRAGMA table_info(uploads)")]


@pytest.fixture
def file(tmp_path: Path) -> LedgerFile:
    return LedgerFile(tmp_path / "ledger.db")


@pytest.fixture
def filled(file: LedgerFile) -> LedgerFile:
    with file.open_transaction() as connection:
        connection.executemany(ADD, [(ref,) for ref in range(1, 201)])
        connection.execute("UPDATE uploads SET reason = ?", ("many pages " * 30,))
    return file


@contextlib.contextmanager
def somebody_else() -> Iterator[None]:
    """Root may write everywhere, so be nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_reading_what_is_not_there_gives_nothing_and_makes_nothing(file):
    assert refs(file) == []
    assert not list(file.path.parent.iterdir())


def test_writing_makes_the_folders_and_leaves_no_journal(tmp_path):
    file = LedgerFile(tmp_path / "ä b?" / "c#%20" / "ledger.db")
    add_upload(file, 7)
    assert refs(file) == [7]
    assert [path.name for path in file.path.parent.iterdir()] == ["ledger.db"]


def test_an_empty_file_is_one_that_a_killed_process_had_only_begun(file):
    file.path.touch()
    assert refs(file) == []
    add_upload(file, 7)
    assert refs(file) == [7]


def delete_and_fail(file, error):
    with file.open_transaction() as connection:
        connection.execute("DELETE FROM uploads")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_nothing(file, error):
    add_upload(file, 1)
    with pytest.raises(error):
        delete_and_fail(file, error)
    assert refs(file) == [1]


def test_a_reader_sees_one_state_though_another_writes(file):
    add_upload(file, 1)
    with file.open_snapshot() as connection:
        question = "SELECT count(*) FROM uploads"
        before = connection.execute(question).fetchone()[0]
        with contextlib.suppress(StorageError):
            add_upload(LedgerFile(file.path, timeout_seconds=0.05), 2)
        assert connection.execute(question).fetchone()[0] == before == 1


def test_an_older_file_is_read_without_being_written_and_renewed_by_the_next_writer(file):
    add_upload(file, 1)
    before = file.path.read_bytes()
    renewed = LedgerFile(file.path, migrations=NEXT)
    assert columns(renewed) == [*columns(file), "note"]
    assert refs(renewed) == [1]
    assert file.path.read_bytes() == before
    add_upload(renewed, 2)
    with renewed.open_snapshot() as connection:
        assert [tuple(row) for row in connection.execute("SELECT ref, note FROM uploads")] == [(1, "none"), (2, "none")]


def test_a_newer_file_is_refused_and_not_touched(file):
    add_upload(LedgerFile(file.path, migrations=NEXT), 1)
    before = file.path.read_bytes()
    for use in (refs, lambda it: add_upload(it, 2)):
        with pytest.raises(BadData, match=r"newer ensembler \(version 3; supported is 2\): update"):
            use(file)
    assert file.path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_file_as_it_was(file):
    add_upload(file, 1)
    before = columns(file)
    with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
        add_upload(LedgerFile(file.path, migrations=BROKEN), 2)
    assert columns(file) == before
    assert refs(file) == [1]


def overwritten(content: bytes, place: int) -> bytes:
    return content[:place] + b"\xff" * 3000 + content[place + 3000 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"This is a note, not a database.\n" * 40,
        lambda content: bytes(len(content)),
        lambda content: content[: len(content) // 2],
        lambda content: content[:-4096],
        lambda content: overwritten(content, 100),
        lambda content: overwritten(content, content.index(b"many pages")),
    ],
    ids=["text", "zeros", "half", "last page", "schema", "rows that no writer looks at"],
)
def test_a_damaged_file_is_told_of_and_never_replaced(filled, damage):
    damaged = damage(filled.path.read_bytes())
    filled.path.write_bytes(damaged)
    for use in (refs, lambda it: add_upload(it, 999)):
        with pytest.raises(BadData, match=r"ledger\.db is .*: move it away"):
            use(filled)
    assert filled.path.read_bytes() == damaged
    filled.path.rename(filled.path.with_suffix(".damaged"))
    add_upload(filled, 1)
    assert refs(filled) == [1]


def test_the_database_of_another_program_is_left_alone(file):
    with contextlib.closing(sqlite3.connect(file.path)) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(BadData, match="another program"):
        add_upload(file, 1)


def test_who_holds_the_file_too_long_is_told_of(file):
    add_upload(file, 1)
    with contextlib.closing(sqlite3.connect(file.path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        for use in (refs, lambda it: add_upload(it, 2)):
            with pytest.raises(StorageError, match=r"locked\): try again when"):
                use(LedgerFile(file.path, timeout_seconds=0.05))
    assert refs(file) == [1]


def fill_up(file):
    with file.open_transaction() as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("UPDATE uploads SET reason = ?", ("x" * 100_000,))


def test_a_full_disk_is_told_of_and_what_was_there_stays(file):
    add_upload(file, 1)
    with pytest.raises(StorageError, match=r"full\): free some space"):
        fill_up(file)
    assert refs(file) == [1]


def test_a_bug_of_ours_stays_what_it_is(file):
    with pytest.raises(sqlite3.OperationalError, match="no such table"), file.open_transaction() as connection:
        connection.execute("SELECT * FROM nowhere")


def test_a_read_only_folder_can_be_read_but_not_written():
    # Below /tmp, since nobody else may look into pytest's own folders.
    folder = Path(tempfile.mkdtemp())
    try:
        file = LedgerFile(folder / "ledger.db")
        add_upload(file, 1)
        file.path.chmod(0o444)
        folder.chmod(0o555)
        with somebody_else():
            assert refs(file) == [1]
            with pytest.raises(StorageError, match=r"ledger\.db .*change its permissions"):
                add_upload(file, 2)
            with pytest.raises(StorageError, match="Permission denied"):
                add_upload(LedgerFile(folder / "below" / "ledger.db"), 2)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


KILLED_IN_A_TRANSACTION = """
import os, signal, sys
from pathlib import Path
from ensembler.submission.ledger.file import LedgerFile

with LedgerFile(Path(sys.argv[1])).open_transaction() as connection:
    # So little room that changed pages are written to the file long before the end.
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("UPDATE uploads SET reason = ?, ref = ref + 1000", ("x" * 5000,))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_half_a_transaction_of_a_killed_process_is_taken_back_by_the_next_reader(filled):
    ended = subprocess.run([sys.executable, "-c", KILLED_IN_A_TRANSACTION, str(filled.path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    journal = filled.path.with_name("ledger.db-journal")
    assert journal.is_file()
    assert b"x" * 1000 in filled.path.read_bytes()
    assert refs(filled) == list(range(1, 201))
    assert not journal.exists()
