"""What is known of a member that was trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...inference.speeds import NetworkSpeed


@dataclass(frozen=True, kw_only=True)
class ListedMember:
    """A member as it lies on disk; what is not known of it is None.

    Attributes
    ----------
    name, folder
        Its name, and where it lies.
    settings
        Those that differ between the members listed, by name.
    folds_done, folds
        Finished folds, and all.
    fold_log_losses
        Held-out log loss of each finished fold.
    log_loss
        Out of fold; of an unfinished member, of the photos of its finished folds.
    log_loss_spread
        Standard deviation of the log loss over the finished folds; None of fewer than two.
    accuracy, metric, score, standard_error
        Of a finished member, out of fold; the competition's metric and the score by it.
    seconds
        That training the finished folds took.
    seconds_per_epoch
        Of fine-tuning, mean of all epochs.
    speed
        Size and speed of one fold's network.
    bytes_on_disk
        Of all files of the member.
    running
        Who is at work on it, such as ``process 7 on HOST since TIME``; else empty.
    stale
        What it was trained with that is not there any more (``folds``, ``photos or labels``); else empty.
    """

    name: str
    folder: Path
    settings: dict[str, str]
    folds_done: int
    folds: int
    fold_log_losses: tuple[float, ...]
    log_loss: float | None
    log_loss_spread: float | None
    accuracy: float | None
    metric: str | None
    score: float | None
    standard_error: float | None
    seconds: float
    seconds_per_epoch: float | None
    speed: NetworkSpeed | None
    bytes_on_disk: int
    running: str
    stale: str

    @property
    def is_finished(self) -> bool:
        """Whether all folds are trained, with what there is now."""
        return self.folds_done == self.folds and not self.stale

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        measured = asdict(self.speed) if self.speed else {}
        speed = {name: value for name, value in measured.items() if value and name != "member"}
        return {**asdict(self), "folder": str(self.folder), "finished": self.is_finished, "speed": speed or None}
