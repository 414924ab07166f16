"""The task of one fold: training data, starting network and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...heads.soft_targets import SoftTargets
from ...images.training_photos import TrainingPhotos
from ...options.settings import MemberSettings
from ..allotment import Allotment


@dataclass(frozen=True)
class FoldTask:
    """Training of one network on one fold.

    Attributes
    ----------
    name
        Member and fold in words, for messages.
    settings
        Settings of the member.
    multiclass
        True if each photo has exactly one class, False if it may have several labels.
    photos, targets
        Training data. Targets have the shape (photos, outputs).
    seed
        Seed of this fold.
    build
        Function that builds the starting network in the current precision.
    evaluate
        Function that returns the log losses of a network on the rows ``validation`` and ``held_out``, where they exist.
    member, fold
        Member and fold for events.
    work
        Work of all planned epochs including evaluation, see :mod:`ensembler.members.work`. 0 if it is not reported.
    allotment
        Share of the time budget. None without a budget.
    soft
        Soft targets of the training data, which ``photos`` join to the targets. None without a teacher.
    """

    name: str
    settings: MemberSettings
    multiclass: bool
    photos: TrainingPhotos
    targets: NDArray[np.float32]
    seed: int
    build: Callable[[], Any]
    evaluate: Callable[[Any], dict[str, float]]
    member: str = ""
    fold: int = 0
    work: float = 0.0
    allotment: Allotment | None = None
    soft: SoftTargets | None = None
