from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ensembler.errors import StorageError
from ensembler.event_file import EventFile, make_publishable
from ensembler.events import FoldEnded, JobBegan


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_line_has_time_run_event_and_facts(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.jsonl"
    events = EventFile(path)
    events.note("a note\nof two lines")
    assert len(lines(path)) == 1, "a line is written at once"
    events.warn("a warning")
    written = lines(path)
    assert [(line["event"], line["text"]) for line in written] == [
        ("noted", "a note\nof two lines"),
        ("warned", "a warning"),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in written)
    assert {line["run"] for line in written} == {events.run_id}


def test_a_task_has_a_beginning_and_one_end(tmp_path: Path) -> None:
    task = EventFile(tmp_path / "a.jsonl").start("b0: heads", 5)
    task.advance(2)
    task.advance()
    task.finish()
    task.finish()
    began, ended = lines(tmp_path / "a.jsonl")
    assert (began["event"], began["label"], began["total"]) == ("task_began", "b0: heads", 5)
    assert (ended["event"], ended["label"], ended["done"]) == ("task_ended", "b0: heads", 3)
    assert began["task"] == ended["task"]
    assert ended["seconds"] >= 0


def test_a_jobs_lines_name_it(tmp_path: Path) -> None:
    events = EventFile(tmp_path / "a.jsonl")
    events.emit(JobBegan(7, job="b0-fold-1"))
    events.note("of no job")
    assert [line.get("job") for line in lines(tmp_path / "a.jsonl")] == ["b0-fold-1", None]


def test_nan_and_infinity_become_null(tmp_path: Path) -> None:
    EventFile(tmp_path / "a.jsonl").emit(FoldEnded("b0", 1, None, float("nan"), float("inf")))
    (line,) = lines(tmp_path / "a.jsonl")
    assert (line["epochs"], line["log_loss"], line["seconds"]) == (None, None, None)


def test_a_second_run_appends_and_a_line_that_was_cut_off_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first = EventFile(path)
    first.note("one")
    with path.open("a") as opened:
        opened.write('{"time": "20')
    second = EventFile(path)
    second.note("two")
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["text"] for line in whole] == ["one", "two"]
    assert first.run_id != second.run_id


def test_several_processes_append_whole_lines(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from ensembler.event_file import EventFile
events = EventFile(Path({str(tmp_path / "a.jsonl")!r}))
for number in range(200):
    events.note("x" * 3000)
"""
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(lines(tmp_path / "a.jsonl")) == 600


def test_the_error_of_a_file_that_cannot_be_written_names_it(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=re.escape(str(tmp_path))):
        EventFile(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a disk without space; this system has none")
def test_a_full_disk_is_reported_once_and_work_continues() -> None:
    messages: list[str] = []
    events = EventFile(Path("/dev/full"), on_error=messages.append)
    events.note("one")
    events.note("two")
    assert len(messages) == 1
    assert os.strerror(errno.ENOSPC) in messages[0]


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("the key 0123456789 is wrong", "the key *** is wrong"),
        ("the user somebody is unknown", "the user somebody is unknown"),
        ("short ones such as abc stay", "short ones such as abc stay"),
        ("https://me:secret@host/a/b.zip?Signature=xyz&b=1: refused", "https://host/a/b.zip refused"),
        ("see https://www.kaggle.com/settings/api, then try", "see https://www.kaggle.com/settings/api, then try"),
        (["in a list: 0123456789"], ["in a list: ***"]),
        ({"in": {"a table": "0123456789"}}, {"in": {"a table": "***"}}),
        (5, 5),
    ],
)
def test_secrets_are_left_out(text: Any, published: Any) -> None:
    environment = {"KAGGLE_KEY": "0123456789", "KAGGLE_USERNAME": "somebody", "A_TOKEN": "abc"}
    assert make_publishable(text, environment) == published
