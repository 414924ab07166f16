"""Training metrics for TensorBoard, written by the job."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from ...events import EpochBegan, EpochEnded, Event, FoldEnded
from ...progress import Progress, ProgressGroup
from ..training_job import TrainingJob

_FILE_VERSION = "brain.Event:2"


def add_tensorboard(job: TrainingJob, fold: int, progress: Progress) -> Progress:
    """Return ``progress``, combined with a :class:`TensorBoardWriter` if the job requests one."""
    if not job.tensorboard:
        return progress
    return ProgressGroup([progress, TensorBoardWriter(job.folder.tensorboard(job.member, fold))])


class TensorBoardWriter(Progress):
    """Write one scalar per metric of an epoch, by the epoch's number over all phases.

    A fitted head has no epochs, so its log loss is written at step 0. The first epoch of a fold deletes the logs of an
    earlier training in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None

    def emit(self, event: Event) -> None:
        """Write the metrics of an event."""
        match event:
            case EpochBegan(overall=1):
                self._delete_logs()
            case EpochEnded():
                self._write_scalars(event.overall, _collect_scalars(event))
            case FoldEnded(epochs=None):
                self._delete_logs()
                self._write_scalars(0, {"log loss/held out": event.log_loss})

    def _delete_logs(self) -> None:
        self._path = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_scalars(self, step: int, figures: dict[str, float | None]) -> None:
        # These parts of TensorBoard load no TensorFlow.
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        values = [
            value for name, known in figures.items() if known is not None for value in scalar_pb(name, known).value
        ]
        self._write_record(Record(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def _write_record(self, record: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.summary.writer.record_writer import RecordWriter

        path = self._path
        if path is None:
            now = time.time()
            # TensorBoard finds files by the beginning of this name, and the newest by the time.
            path = self._folder / f"events.out.tfevents.{now:.6f}.{socket.gethostname()}.{os.getpid()}"
            self._path = path
            self._write_record(Record(wall_time=now, file_version=_FILE_VERSION))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            RecordWriter(file).write(record.SerializeToString())


def _collect_scalars(event: EpochEnded) -> dict[str, float | None]:
    return {
        "log loss/training": event.training_loss,
        "log loss/held out": event.held_out_log_loss,
        "log loss/validation": event.val_log_loss,
        "learning rate": event.learning_rate,
        "photos a second": event.photos_a_second,
        "memory": event.memory,
        "GPU memory": event.gpu_memory,
    }
