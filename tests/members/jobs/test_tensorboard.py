"""Files for TensorBoard, which TensorFlow itself reads back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf
from helpers.job_events import began, ended
from helpers.members_made import small_competition
from tensorflow.core.util import event_pb2

from ensembler.events import FoldEnded
from ensembler.members.jobs.tensorboard import TensorBoardWriter, add_tensorboard
from ensembler.members.training_job import TrainingJob
from ensembler.progress import SILENT


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by the name of the scalar, of all files in ``folder``."""
    found: dict[str, list[tuple[int, float]]] = {}
    for file in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
    return found


def test_each_figure_of_an_epoch_is_a_scalar_at_its_number(tmp_path: Path) -> None:
    board = TensorBoardWriter(tmp_path / "fold-2")
    for epoch in (1, 2):
        board.emit(began(epoch))
        board.emit(replace(ended(epoch, validation=0.5), training_loss=1 / epoch))
    board.emit(FoldEnded("b0", 2, 2, 0.213, 9.0))
    logged = scalars(tmp_path / "fold-2")
    assert logged["log loss/training"] == [(1, 1.0), (2, 0.5)]
    assert logged["log loss/held out"] == [(1, pytest.approx(0.213)), (2, pytest.approx(0.213))]
    assert logged["log loss/validation"] == [(1, 0.5), (2, 0.5)]
    assert logged["learning rate"] == [(1, pytest.approx(1e-4)), (2, pytest.approx(1e-4))]
    assert logged["photos a second"][0] == (1, pytest.approx(118.4))
    assert "GPU memory" not in logged, "what nobody knows is no scalar"


def test_the_first_epoch_begins_anew_and_later_ones_go_on(tmp_path: Path) -> None:
    for epochs in ((1, 2), (3,)):
        board = TensorBoardWriter(tmp_path)
        for epoch in epochs:
            board.emit(began(epoch))
            board.emit(ended(epoch))
    assert [step for step, _ in scalars(tmp_path)["learning rate"]] == [1, 2, 3]
    board = TensorBoardWriter(tmp_path)
    board.emit(began(1))
    board.emit(ended(1))
    assert [step for step, _ in scalars(tmp_path)["learning rate"]] == [1]


def test_tensorflow_is_not_needed(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\nfrom pathlib import Path\n"
        "from ensembler.events import FoldEnded\nfrom ensembler.members.jobs.tensorboard import TensorBoardWriter\n"
        f"TensorBoardWriter(Path({str(tmp_path)!r})).emit(FoldEnded('b0', 2, None, 0.5, 1.0))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert scalars(tmp_path) == {"log loss/held out": [(0, 0.5)]}


def test_a_head_that_was_fitted_has_a_loss_and_no_epochs(tmp_path: Path) -> None:
    TensorBoardWriter(tmp_path).emit(FoldEnded("b0", 2, None, 0.25, 1.0))
    assert scalars(tmp_path) == {"log loss/held out": [(0, 0.25)]}


def test_it_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    folder, _ = small_competition(tmp_path)
    assignment = TrainingJob(folder, "b0", (2,), "none")
    assert add_tensorboard(assignment, 2, SILENT) is SILENT
    asked = replace(assignment, tensorboard=True)
    add_tensorboard(asked, 2, SILENT).emit(ended(1))
    assert scalars(folder.root / "logs" / "tensorboard" / "b0" / "fold-2")["learning rate"]
