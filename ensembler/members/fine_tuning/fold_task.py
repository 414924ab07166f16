"""What a network is trained on, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...images.training_photos import TrainingPhotos
from ...options.settings import MemberSettings
from ..allotment import Allotment


@dataclass(frozen=True)
class FoldTask:
    """What a network is trained on.

    Attributes
    ----------
    name
        Of member and fold, as a person reads it.
    settings
        The member's.
    multiclass
        One class a photo, or several.
    photos, targets
        To learn from; targets have the shape (photos, outputs).
    seed
        Of this fold.
    build
        Makes the network as it starts, in the precision that layers are made in.
    evaluate
        Gives log losses of a network by the name of what it was judged on: ``validation``, ``held_out``.
    member, fold
        As events name them.
    work
        Of all planned epochs together, judging included, as :mod:`ensembler.members.work` counts it; 0 if nobody asks.
    allotment
        What there is of a time budget; None for no budget.
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
