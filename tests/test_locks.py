from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time

import pytest

from ensembler.errors import Busy, StorageError
from ensembler.locks import (
    LOST_AFTER_SECONDS,
    LOST_HOLDERS_VARIABLE,
    STALE_AFTER_SECONDS,
    Holder,
    format_holders,
    hold_lock,
)
from ensembler.locks import describe_holder as held_by

IMPORTS = """
import sys, time
from pathlib import Path
from ensembler.errors import Busy
from ensembler.locks import hold_lock
"""
HOLD = """
with hold_lock(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(60)
"""
COUNT = """
for _ in range(50):
    while True:
        try:
            with hold_lock(Path(sys.argv[1]), "it"):
                count = Path(sys.argv[2])
                count.write_text(str(int(count.read_text()) + 1))
            break
        except Busy:
            time.sleep(0.001)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until it is killed."""
    command = [sys.executable, "-c", IMPORTS + HOLD, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_comes_and_goes(tmp_path):
    for _ in range(2):
        with hold_lock(tmp_path / "new" / ".lock", "it"):
            pass
    assert [path.name for path in (tmp_path / "new").iterdir()] == [".lock"]


def test_the_second_hears_who_holds_it(tmp_path, holder):
    with pytest.raises(Busy, match=rf"dogs is in use by process {holder.pid} on \S+ since .* UTC"):
        hold_lock(tmp_path / ".lock", "dogs").__enter__()


@pytest.mark.parametrize("content", [None, "", "{}", "[1]"])
def test_a_holder_that_left_no_name(tmp_path, holder, content):
    note = tmp_path / ".lock.json"
    note.unlink() if content is None else note.write_text(content)
    with pytest.raises(Busy, match="in use by another process"):
        hold_lock(tmp_path / ".lock", "dogs").__enter__()


def test_the_lock_of_the_dead_is_free(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / ".lock.json").exists()
    with hold_lock(tmp_path / ".lock", "it"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_lock_is_released_when_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), hold_lock(tmp_path / ".lock", "it"):
        raise ZeroDivisionError
    with hold_lock(tmp_path / ".lock", "it"):
        pass


HOST = "far-away"


def note_of(lock, host, silent_for):
    """What another machine, which the drive may know nothing of, left beside a lock."""
    note = lock.with_name(f"{lock.name}.json")
    note.write_text(json.dumps({"host": host, "process": 7, "since": "2026-01-01 00:00:00 UTC"}))
    then = time.time() - silent_for
    os.utime(note, (then, then))


def test_another_machine_that_lives_holds_what_the_drive_calls_free(tmp_path):
    note_of(tmp_path / ".lock", HOST, 40)
    with pytest.raises(Busy, match=r"dogs is in use by process 7 on far-away since .*, last seen 4\d s ago"):
        hold_lock(tmp_path / ".lock", "dogs").__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".lock.json"]


@pytest.mark.parametrize("host", [HOST, socket.gethostname()])
def test_a_note_that_was_left_behind_holds_nothing(host, tmp_path):
    note_of(tmp_path / ".lock", host, STALE_AFTER_SECONDS + 10 if host == HOST else 0)
    with hold_lock(tmp_path / ".lock", "dogs"):
        assert json.loads((tmp_path / ".lock.json").read_text())["process"] == os.getpid()


def test_the_lock_of_a_dead_machine_is_taken_over_from_the_drive(tmp_path, holder):
    """The holder stands for what the drive believes."""
    note_of(tmp_path / ".lock", HOST, STALE_AFTER_SECONDS - 10)
    with pytest.raises(Busy, match="far-away"):
        hold_lock(tmp_path / ".lock", "dogs").__enter__()
    note_of(tmp_path / ".lock", HOST, STALE_AFTER_SECONDS + 10)
    with hold_lock(tmp_path / ".lock", "dogs"), pytest.raises(Busy, match=f"process {os.getpid()}"):
        hold_lock(tmp_path / ".lock", "dogs").__enter__()


@pytest.mark.parametrize(
    ("lost", "silent_for", "free"),
    [
        ([Holder(HOST, 7)], LOST_AFTER_SECONDS + 10, True),
        # It lives on a machine that its engine cannot reach.
        ([Holder(HOST, 7)], LOST_AFTER_SECONDS - 10, False),
        ([Holder(HOST, 8), Holder("other", 7)], LOST_AFTER_SECONDS + 10, False),
        ([], LOST_AFTER_SECONDS + 10, False),
    ],
)
def test_a_lost_holder_counts_for_less_time(lost, silent_for, free, tmp_path, monkeypatch):
    monkeypatch.setenv(LOST_HOLDERS_VARIABLE, format_holders(lost))
    note_of(tmp_path / ".lock", HOST, silent_for)
    with contextlib.nullcontext() if free else pytest.raises(Busy), hold_lock(tmp_path / ".lock", "dogs"):
        pass


def test_the_living_touch_their_note(tmp_path, monkeypatch):
    monkeypatch.setattr("ensembler.locks.HEARTBEAT_SECONDS", 0.01)
    with hold_lock(tmp_path / ".lock", "dogs"):
        note = tmp_path / ".lock.json"
        os.utime(note, (0, 0))
        deadline = time.monotonic() + 10
        while not note.stat().st_mtime and time.monotonic() < deadline:
            time.sleep(0.01)
        assert time.time() - note.stat().st_mtime < 60


def test_only_one_of_many_holds_it(tmp_path):
    count = tmp_path / "count"
    count.write_text("0")
    command = [sys.executable, "-c", IMPORTS + COUNT, str(tmp_path / ".lock"), str(count)]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait() == 0
    assert count.read_text() == "150"


def test_the_disk_refuses(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        hold_lock(tmp_path / "file" / ".lock", "it").__enter__()


def test_who_holds_a_lock_can_be_asked(tmp_path, holder):
    assert re.fullmatch(rf"process {holder.pid} on \S+ since .* UTC", held_by(tmp_path / ".lock"))
    holder.kill()
    holder.wait()
    assert held_by(tmp_path / ".lock") == ""


def test_asking_takes_no_lock_and_makes_none(tmp_path):
    assert held_by(tmp_path / "new" / ".lock") == ""
    assert not list(tmp_path.iterdir())
    with hold_lock(tmp_path / ".lock", "it"):
        held_by(tmp_path / ".lock")
        with pytest.raises(Busy):
            hold_lock(tmp_path / ".lock", "it").__enter__()
