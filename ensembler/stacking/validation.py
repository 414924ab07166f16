"""The check of the labels on which a meta-learner is fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import BadData
from ..heads.links import Float32Array
from .learners.base import Rows

_MAX_SHOWN = 5


def require_classes(targets: Float32Array, folds: Rows, names: Sequence[str], *, single_label: bool) -> list[str]:
    """Check that a meta-learner is scored only on classes that it was fitted on.

    Parameters
    ----------
    targets
        Targets of the scored rows, shape (rows, outputs).
    folds
        Folds of the scored rows, shape (rows,).
    names
        Names of all classes. A binary task has one column of targets, which is that of the last class.
    single_label
        Whether a row has one class. Then two classes must be in two folds. Others may be rare or absent: the
        meta-learner gives them a small probability.

    Returns
    -------
    list of str
        Classes that are absent from a fold and cannot be scored there.

    Raises
    ------
    BadData
        If fewer than two of the classes have rows in two folds.
    """
    numbers = np.unique(folds)
    classes, marks = list(names), targets > 0.5
    if marks.shape[1] < len(classes):
        marks = np.hstack([~marks, marks])
    where = np.stack([marks[folds == fold].any(axis=0) for fold in numbers]).sum(axis=0)
    lone = [name for name, count in zip(classes, where, strict=True) if count < 2]
    if single_label and len(classes) - len(lone) < 2:
        shown = ", ".join(lone[:_MAX_SHOWN]) + (f" and {len(lone) - _MAX_SHOWN} more" if len(lone) > _MAX_SHOWN else "")
        raise BadData(
            f"A meta-learner cannot be scored on {shown}, because all labelled photos are in one fold: add photos, "
            "remove the class from train.csv, or use `--meta mean` or `--meta logit-mean`, which need no fit."
        )
    return [name for name, count in zip(classes, where, strict=True) if count < len(numbers)]
