"""How far a fold's training is, and the file that keeps it, so that a training that was cut off goes on from there."""

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
from ..records import rename_history_columns

Arrays = Sequence[NDArray[Any]]
# Of the file; one of another form is not read.
FORMAT_VERSION = 3
# Names of the second form, which had other names and nothing else.
_FORMER_VERSION = 2
_FORMER_NAMES = {
    "parts": "accumulation_steps",
    "careful": "fp32_fallback",
    "behind": "epochs_without_improvement",
}


@dataclass(frozen=True)
class TrainingSnapshot:
    """A network and its optimizer between two steps.

    Attributes
    ----------
    variables
        Of the network, in its order: weights, and the random state of its layers.
    optimizer
        What the optimizer remembers, by name: moments, running means, updates, the scale of the loss.
    """

    variables: Arrays
    optimizer: Mapping[str, NDArray[Any]]


@dataclass
class TrainingState:
    """How far a training is.

    Attributes
    ----------
    phase, epoch
        In which it is, from 0; ``epoch`` counts within the phase.
    step
        Updates done in this epoch. With the fold's seed and the epoch's number it is the position in the data too.
    loss_sum
        Training loss of these updates, summed.
    epoch_seconds, seconds
        Spent on this epoch and on the whole fold, by all runs together.
    accumulation_steps
        Of a batch, one after the other, for want of memory.
    fp32_fallback
        Whether the training went back to float32 and half the learning rate.
    best, epochs_without_improvement
        Best log loss on the validation rows in this phase, and the epochs since.
    history
        A row for each finished epoch.
    begin
        Where this epoch began, to which a failed step goes back.
    now
        Where the training is; None at the beginning of an epoch, where it is the same.
    best_weights
        Weights after the best epoch of this phase; None before there is one, or without patience.
    earlier, done
        Updates of the phases before this one, and of the epochs before this one in its phase.
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
        """Be at the beginning of a phase."""
        self.phase, self.epoch = number, 0
        self.earlier, self.done = self.earlier + self.done, 0
        self.best, self.epochs_without_improvement, self.best_weights = math.inf, 0, None
        self.start_epoch()

    def start_epoch(self) -> None:
        """Be at the beginning of an epoch; where that is, ``begin`` has to be told."""
        self.step, self.loss_sum, self.epoch_seconds = 0, 0.0, 0.0
        self.begin = self.now = None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all of it as arrays by name, figures as a text of JSON."""
        figures = {name: value for name, value in vars(self).items() if name not in _ARRAY_FIELDS}
        arrays = {"figures": np.array(json.dumps(figures, default=float))}
        for name in ("begin", "now"):
            if (snapshot := getattr(self, name)) is not None:
                arrays |= _number_arrays(f"{name}/variables", snapshot.variables)
                arrays |= {f"{name}/optimizer/{key}": array for key, array in snapshot.optimizer.items()}
        return arrays | (_number_arrays("best", self.best_weights) if self.best_weights is not None else {})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TrainingState:
        """Read what :meth:`to_arrays` returned."""
        figures = {_FORMER_NAMES.get(name, name): value for name, value in json.loads(str(arrays["figures"])).items()}
        figures["history"] = [rename_history_columns(row) for row in figures["history"]]
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
    """Keeps the state of one training in one file, written whole or not at all.

    Parameters
    ----------
    path
        Of the file; None keeps nothing.
    owner
        What the training depends on: a file of another owner is not read.
    minutes
        Time between two checkpoints, which may then fall into an epoch; None for one at the end of each epoch.
    """

    def __init__(self, path: Path | None, owner: str = "", minutes: float | None = None) -> None:
        self._path = path
        self._owner = owner
        self._minutes = minutes
        self._saved_at = time.monotonic()

    def is_due(self, *, between_epochs: bool) -> bool:
        """Whether it is time for a checkpoint."""
        if self._minutes is None:
            return between_epochs
        return time.monotonic() - self._saved_at >= 60 * self._minutes

    def save(self, state: TrainingState) -> None:
        """Write a checkpoint in the place of the one before.

        Raises
        ------
        StorageError
            If the disk refuses; the one before stays.
        """
        if self._path is not None:
            owner = np.array(json.dumps({"form": FORMAT_VERSION, "owner": self._owner}))
            write_arrays(self._path, **{"owner": owner, **state.to_arrays()})
        self._saved_at = time.monotonic()

    def load(self, progress: Progress) -> TrainingState | None:
        """Read the checkpoint; None if there is none, or another training's, or a damaged one, which is told."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            # The archive's own checksums tell a damaged file.
            arrays = read_arrays(self._path)
            owner = json.loads(str(arrays["owner"]))
            if owner["form"] not in (FORMAT_VERSION, _FORMER_VERSION) or owner["owner"] != self._owner:
                return None
            return TrainingState.from_arrays(arrays)
        except (BadData, ValueError, KeyError, TypeError) as error:
            self.warn_unusable(progress, error)
            return None

    def warn_unusable(self, progress: Progress, error: Exception) -> None:
        """Tell that a checkpoint cannot be used."""
        progress.warn(f"{self._path} cannot be used ({error}), so this fold begins anew.")

    def remove(self) -> None:
        """Delete the file: the fold is finished."""
        if self._path is not None:
            remove_file(self._path)


NO_CHECKPOINTS = Checkpoints(None)
