"""Figures of training for TensorBoard, written in the job."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ...events import EpochBegan, EpochEnded, Event, FoldEnded
from ...progress import Progress, ProgressGroup
from ..training_job import TrainingJob


def add_tensorboard(job: TrainingJob, fold: int, progress: Progress) -> Progress:
    """Return ``progress``, with a :class:`TensorBoardWriter` beside it if the job asks for one."""
    if not job.tensorboard:
        return progress
    return ProgressGroup([progress, TensorBoardWriter(job.folder.tensorboard(job.member, fold))])


class TensorBoardWriter(Progress):
    """Writes a scalar for each figure of an epoch, by its number over all phases.

    A head that was fitted has no epochs; its log loss is written at step 0. The first epoch of a fold begins anew: what
    an earlier training left in ``folder`` is deleted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def tell(self, event: Event) -> None:
        """Write what is a figure."""
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

        # What tf.summary.scalar writes; that function itself needs TensorBoard in the job.
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
