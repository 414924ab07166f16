"""Training metrics for TensorBoard, written by the job."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ...events import EpochBegan, EpochEnded, Event, FoldEnded
from ...progress import Progress, ProgressGroup
from ..training_job import TrainingJob


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
        self._writer: Any = None

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
        self._writer = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_scalars(self, step: int, figures: dict[str, float | None]) -> None:
        import tensorflow as tf
        from tensorflow.core.framework import summary_pb2 as summaries

        # Equivalent to tf.summary.scalar, which needs TensorBoard in the job.
        metadata = summaries.SummaryMetadata(
            plugin_data=summaries.SummaryMetadata.PluginData(plugin_name="scalars"),
            data_class=summaries.DATA_CLASS_SCALAR,
        )
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        with self._writer.as_default():
            for name, value in figures.items():
                if value is not None:
                    tf.summary.write(name, tf.constant(value, tf.float32), step=step, metadata=metadata)
        self._writer.flush()


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
