"""What the workflows return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..competition.manifest import Manifest
from ..storage import CompetitionFolder


@dataclass(frozen=True)
class Fetched:
    """A competition that is ready to be trained on, with how many photos it has."""

    folder: CompetitionFolder
    manifest: Manifest
    training: int
    test: int
    unreadable: int


@dataclass(frozen=True)
class MemberResult:
    """A member with its out-of-fold figures; log losses in nats, accuracy from 0 to 1."""

    name: str
    log_loss: float
    accuracy: float
    fold_log_losses: tuple[float, ...]
    seconds: float
    folder: Path


@dataclass(frozen=True)
class StackResult:
    """A stack with its nested out-of-fold figures, beside its members' and their plain mean's.

    ``difference`` is the largest between what ``model`` predicts from pixels and the stored predictions.
    """

    name: str
    log_loss: float
    accuracy: float
    mean_log_loss: float
    mean_accuracy: float
    members: tuple[MemberResult, ...]
    submission: Path
    model: Path
    difference: float


@dataclass(frozen=True)
class Scored:
    """A submission scored against hidden labels."""

    submission: Path
    log_loss: float
    accuracy: float
