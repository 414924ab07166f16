"""The job of a frozen member: its features once, then a linear head for each fold."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..storage import whole_file
from .assignment import Assignment
from .features import frozen_features, keep_backbone
from .heads import build_head
from .linear_head import LinearHead
from .records import save_fold


def train_frozen(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Train the heads of the folds named in ``told``; see :class:`Assignment`."""
    assignment = Assignment.from_json(told)
    features, test_features = frozen_features(assignment, progress)
    keep_backbone(assignment)
    task = progress.start(f"{assignment.member}: heads", len(assignment.folds))
    for fold in assignment.folds:
        _train_fold(assignment, fold, features, test_features)
        task.advance()
    task.finish()
    return {}


def _train_fold(
    assignment: Assignment, fold: int, features: NDArray[np.float32], test_features: NDArray[np.float32]
) -> None:
    began = time.monotonic()
    held_out = assignment.fold_of_row == fold
    head = fit_head(assignment, fold, features)
    place = assignment.folder.fold(assignment.member, fold)
    with whole_file(place / "head.keras") as temporary:
        build_head(head.kernel_, head.bias_, exclusive=assignment.exclusive).save(temporary)
    predictions, score = assignment.predictions(
        fold, head.predict_proba(features[held_out]), head.predict_proba(test_features)
    )
    history = [{"phase": "head", "inverse_penalty": head.strength_, "held_out_log_loss": score}]
    seconds = time.monotonic() - began
    save_fold(assignment.folder, assignment.record, fold, predictions, history, score, seconds)


def fit_head(assignment: Assignment, fold: int, features: NDArray[np.float32]) -> LinearHead:
    """Fit a linear head on all folds but ``fold``; those others choose its strength among themselves."""
    rows = assignment.fold_of_row != fold
    head = LinearHead(exclusive=assignment.exclusive)
    return head.fit(features[rows], assignment.tables.targets[rows], assignment.fold_of_row[rows])
