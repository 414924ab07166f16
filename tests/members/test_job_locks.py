from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.members_made import make_member, record_of, small_competition
from helpers.photos import Heard

from ensembler import lock_waiting
from ensembler.errors import Interrupted
from ensembler.events import Noted
from ensembler.locks import hold_lock
from ensembler.members.job_locks import lock_fold, wait_for_lock
from ensembler.members.training_job import TrainingJob
from ensembler.paths import CompetitionFolder
from ensembler.storage import write_bytes

HOLD = """
import sys, time
from pathlib import Path
from ensembler.locks import hold_lock
with hold_lock(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


class Stopped(Heard):
    stopping = True


@pytest.mark.parametrize(("seconds", "labels"), [(60, []), (0.3, ["b0, fold 2: waiting"])])
def test_a_job_waits_for_one_that_is_still_at_work_and_shows_a_long_wait(
    seconds: float, labels: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_waiting, "SECONDS_BEFORE_REPORT", seconds)
    folder, heard = CompetitionFolder(tmp_path / "made"), Heard()
    command = [sys.executable, "-c", HOLD, str(folder.lock("work")), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with wait_for_lock(folder, "work", "b0, fold 2", heard):
            assert process.wait(timeout=10) == 0
    [note] = heard.of_kind(Noted)
    assert f"b0, fold 2 is in use by process {process.pid}" in note.text
    assert note.detail
    assert heard.labels == labels
    assert heard.finished == len(labels)


def test_who_waits_hears_that_the_work_should_end(tmp_path: Path) -> None:
    folder = CompetitionFolder(tmp_path / "made")
    with (
        hold_lock(folder.lock("work"), "it"),
        pytest.raises(Interrupted, match="before b0, fold 2"),
        wait_for_lock(folder, "work", "b0, fold 2", Stopped()),
    ):
        pass


def test_a_fold_that_was_finished_while_it_was_waited_for_is_not_trained_again(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record_of(folder, tables).save(folder)
    assignment = TrainingJob(folder, "demo-conv", (0,), "none")
    with lock_fold(assignment, 0, Heard()) as missing:
        assert missing
    make_member(folder, tables, "demo-conv")
    write_bytes(folder.checkpoint("demo-conv", 0), b"some state")
    with lock_fold(assignment, 0, Heard()) as missing:
        assert not missing
    assert not folder.checkpoint("demo-conv", 0).exists()
