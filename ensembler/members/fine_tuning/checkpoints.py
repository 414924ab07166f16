"""The state of a fold's training and the checkpoint file that stores it, so that interrupted training resumes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadData
from ...progress import Progress
from ...serialization import read_arrays, write_arrays
from ...storage import remove_file
from ..records import rename_former

Arrays = Sequence[NDArray[Any]]
# Version of the file format. Version 2 has other names of fields; files of other versions are ignored.
FORMAT_VERSION, _FORMER_VERSION = 3, 2


@dataclass(frozen=True)
class TrainingSnapshot:
    """Snapshot of a network and its optimizer between two steps.

    Attributes
    ----------
    variables
        Variables of the network in its order: weights and the random state of its layers.
    optimizer
        State of the optimizer by name: moments, averaged weights, number of updates, loss scale.
    """

    variables: Arrays
    optimizer: Mapping[str, NDArray[Any]]


@dataclass
class TrainingState:
    """State of a training.

    Attributes
    ----------
    phase, epoch
        Current phase, and current epoch within the phase, both counted from 0.
    step
        Updates done in this epoch. Together with the fold's seed and the epoch's number, they determine the position in
        the data.
    loss_sum
        Sum of the training loss over these updates.
    epoch_seconds, seconds
        Seconds spent on this epoch and on the whole fold, summed over all runs.
    accumulation_steps
        Parts into which each batch is split to fit into memory.
    fp32_fallback
        Whether training fell back to float32 and half the learning rate.
    best, epochs_without_improvement
        Best validation log loss in this phase, and number of epochs since.
    history
        One row per finished epoch.
    begin
        Snapshot of the beginning of this epoch, which a failed step restores.
    now
        Current snapshot. None at the beginning of an epoch, where it equals ``begin``.
    best_weights
        Weights after the best epoch of this phase. None before the first epoch, and without patience.
    earlier, done
        Updates of all earlier phases, and of all earlier epochs of this phase.
    """

    phase: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    accumulation_steps: int = 1
    fp32_fallback: bool = False
    best: float = math.inf
    epochs_without_improvement: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    begin: TrainingSnapshot | None = None
    now: TrainingSnapshot | None = None
    best_weights: Arrays | None = None
    earlier: int = 0
    done: int = 0

    def start_phase(self, number: int) -> None:
        """Move to the beginning of a phase."""
        self.phase, self.epoch = number, 0
        self.earlier, self.done = self.earlier + self.done, 0
        self.best, self.epochs_without_improvement, self.best_weights = math.inf, 0, None
        self.start_epoch()

    def start_epoch(self) -> None:
        """Move to the beginning of an epoch. The caller sets ``begin``."""
        self.step, self.loss_sum, self.epoch_seconds = 0, 0.0, 0.0
        self.begin = self.now = None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays, its scalars as JSON text."""
        figures = {name: value for name, value in vars(self).items() if name not in _ARRAY_FIELDS}
        arrays = {"figures": np.array(json.dumps(figures, default=float))}
        for name in ("begin", "now"):
            if (snapshot := getattr(self, name)) is not None:
                arrays |= _number_arrays(f"{name}/variables", snapshot.variables)
                arrays |= {f"{name}/optimizer/{key}": array for key, array in snapshot.optimizer.items()}
        return arrays | (_number_arrays("best", self.best_weights) if self.best_weights is not None else {})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TrainingState:
        """Create the state from the arrays of :meth:`to_arrays`."""
        figures = rename_former(json.loads(str(arrays["figures"])))
        figures["history"] = [rename_former(row) for row in figures["history"]]
        return cls(
            **figures,
            begin=_read_snapshot(arrays, "begin"),
            now=_read_snapshot(arrays, "now"),
            best_weights=list(_iterate_arrays(arrays, "best")) or None,
        )


_ARRAY_FIELDS = ("begin", "now", "best_weights")


def _number_arrays(name: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {f"{name}/{number}": np.asarray(array) for number, array in enumerate(arrays)}


def _iterate_arrays(arrays: Mapping[str, NDArray[Any]], name: str) -> Iterator[NDArray[Any]]:
    number = 0
    while (key := f"{name}/{number}") in arrays:
        yield arrays[key]
        number += 1


def _read_snapshot(arrays: Mapping[str, NDArray[Any]], name: str) -> TrainingSnapshot | None:
    variables = list(_iterate_arrays(arrays, f"{name}/variables"))
    start = f"{name}/optimizer/"
    optimizer = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
    return TrainingSnapshot(variables, optimizer) if variables else None


class Checkpoints:
    """Store the state of one training in one file, which is written atomically.

    Parameters
    ----------
    path
        Path of the file. None stores nothing.
    owner
        Hash of everything the training depends on. A file of another owner is ignored.
    minutes
        Minutes between two checkpoints, also within an epoch. None saves at the end of each epoch.
    """

    def __init__(self, path: Path | None, owner: str = "", minutes: float | None = None) -> None:
        self._path = path
        self._owner = owner
        self._minutes = minutes
        self._saved_at = time.monotonic()

    def is_due(self, *, between_epochs: bool) -> bool:
        """Return whether it is time for a checkpoint."""
        if self._minutes is None:
            return between_epochs
        return time.monotonic() - self._saved_at >= 60 * self._minutes

    def save(self, state: TrainingState) -> None:
        """Replace the previous checkpoint.

        Raises
        ------
        StorageError
            If writing fails. The previous checkpoint is kept.
        """
        if self._path is not None:
            owner = np.array(json.dumps({"form": FORMAT_VERSION, "owner": self._owner}))
            write_arrays(self._path, **{"owner": owner, **state.to_arrays()})
        self._saved_at = time.monotonic()

    def load(self, progress: Progress) -> TrainingState | None:
        """Read the checkpoint. Return None if it is missing or of another training, and warn if it is damaged."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            # The archive's checksums detect a damaged file.
            arrays = read_arrays(self._path)
            owner = json.loads(str(arrays["owner"]))
            if owner["form"] not in (FORMAT_VERSION, _FORMER_VERSION) or owner["owner"] != self._owner:
                return None
            return TrainingState.from_arrays(arrays)
        except (BadData, ValueError, KeyError, TypeError) as error:
            self.warn_unusable(progress, error)
            return None

    def warn_unusable(self, progress: Progress, error: Exception) -> None:
        """Warn that a checkpoint cannot be used."""
        progress.warn(f"The checkpoint {self._path} cannot be used ({error}), so this fold starts again.")

    def remove(self) -> None:
        """Delete the checkpoint of a finished fold."""
        if self._path is not None:
            remove_file(self._path)


NO_CHECKPOINTS = Checkpoints(None)
