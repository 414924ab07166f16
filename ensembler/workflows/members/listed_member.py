"""Description of a trained member."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...inference.speeds import NetworkSpeed
from ...serialization import Exported

# Value of ``stale`` if the file of the folds is damaged or missing.
DAMAGED_FOLDS = "damaged folds"


@dataclass(frozen=True, kw_only=True)
class ListedMember(Exported):
    """A member on disk. Unknown values are None.

    Attributes
    ----------
    name, folder
        Name and folder of the member.
    settings
        Settings that differ between the listed members, by name.
    folds_done, folds
        Number of finished folds, and of all folds.
    fold_log_losses
        Held-out log loss of each finished fold.
    log_loss
        Log loss out of fold, of the finished folds only while the member is unfinished.
    log_loss_spread
        Standard deviation of the log loss over the finished folds. None for fewer than two.
    accuracy, metric, score, standard_error
        Accuracy of a finished member out of fold, the competition's metric, the score by it, and its standard error.
    corrected_score, corrected_log_loss
        Score and log loss of a finished member without the photos that it excludes, and by its new labels.
    seconds
        Training time of the finished folds.
    seconds_per_epoch
        Mean time of an epoch of fine-tuning.
    speed
        Size and speed of one fold's network.
    bytes_on_disk
        Size of all files of the member.
    running
        Process that trains or removes the member, such as ``process 7 on HOST since TIME``, or empty.
    stale
        Inputs that changed since the training, such as ``folds`` or ``photos or labels``, or empty. ``damaged folds``
        if the file of the folds cannot be read, so that they may be the same.
    """

    name: str
    folder: Path
    settings: dict[str, str]
    folds_done: int
    folds: int
    fold_log_losses: tuple[float, ...]
    log_loss: float | None
    log_loss_spread: float | None
    accuracy: float | None = None
    metric: str | None = None
    score: float | None = None
    standard_error: float | None = None
    corrected_score: float | None = None
    corrected_log_loss: float | None = None
    seconds: float
    seconds_per_epoch: float | None
    speed: NetworkSpeed | None
    bytes_on_disk: int
    running: str
    stale: str

    @property
    def stale_reason(self) -> str:
        """Phrase that says why the member cannot be used now, or empty."""
        if self.stale == DAMAGED_FOLDS:
            return "waiting for folds.csv to be restored"
        return f"trained on other {self.stale}" if self.stale else ""

    @property
    def is_finished(self) -> bool:
        """Whether all folds are trained on the present inputs."""
        return self.folds_done == self.folds and not self.stale

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data for JSON, with ``finished``."""
        measured = vars(self.speed) if self.speed else {}
        speed = {name: value for name, value in measured.items() if value and name != "member"}
        return {**super().to_json(), "finished": self.is_finished, "speed": speed or None}
