"""Checks of the labels that a meta-learner is fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .learners.base import Rows

_MAX_SHOWN = 5


def require_classes(
    targets: NDArray[np.float32], folds: Rows, names: Sequence[str], *, single_label: bool
) -> list[str]:
    """Raise if a meta-learner would be scored on a class that it was not fitted on.

    Parameters
    ----------
    targets
        Targets of the scored rows, shape (rows, outputs).
    folds
        Folds of the scored rows, shape (rows,).
    names
        Names of the outputs.
    single_label
        Whether a row has one class; rare tags of several are not refused.

    Returns
    -------
    list of str
        Outputs that are absent from a fold, which cannot be scored there.

    Raises
    ------
    BadData
        If all rows of an output lie in one fold, or there are none.
    """
    numbers = np.unique(folds)
    classes, marks = list(names), targets > 0.5
    if len(classes) == 1:
        classes, marks = [*classes, f"what is not {classes[0]}"], np.hstack([marks, ~marks])
    where = np.stack([marks[folds == fold].any(axis=0) for fold in numbers]).sum(axis=0)
    lone = [name for name, count in zip(classes, where, strict=True) if count < 2]
    if lone and single_label:
        shown = ", ".join(lone[:_MAX_SHOWN]) + (f" and {len(lone) - _MAX_SHOWN} more" if len(lone) > _MAX_SHOWN else "")
        raise BadData(
            f"No meta-learner can be scored on {shown}, whose labelled photos lie in one fold alone: give it more "
            "photos or leave it out of train.csv, or stack with `--meta mean` or `--meta logit-mean`, which learn "
            "nothing."
        )
    return [name for name, count in zip(classes, where, strict=True) if count < len(numbers)]
