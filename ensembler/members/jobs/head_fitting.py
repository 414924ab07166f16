"""The head of a fold: fitted on the frozen features of the other folds, or random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.folds.splits import EVERYTHING
from ...competition.tables import prior
from ...heads.by_split import side_by_side, split_heads
from ...heads.jobs.hidden import HiddenHead
from ...heads.jobs.keras_heads import build_head, random_head
from ...heads.jobs.losses import class_weights
from ...heads.linear import LinearHead
from ...heads.stacked_views import StackedViews
from ...images.views import MIRRORED, WHOLE, View
from ...progress import Progress
from ..features.jobs.compute import Features, frozen_features
from ..pseudo_labels.jobs.heads import taught_pseudo_labels
from ..training_job import Assignment

Head = LinearHead | HiddenHead


def learned_views(assignment: Assignment) -> tuple[View, ...]:
    """Name the views of a photo that a head is fitted on."""
    return (WHOLE, MIRRORED) if assignment.record.settings.flips else (WHOLE,)


def fit_head(assignment: Assignment, fold: int, features: Mapping[View, NDArray[np.float32]]) -> Head:
    """Fit a head on what ``fold`` does not hold out; its inner folds choose strength or epochs among themselves.

    Parameters
    ----------
    features
        Of the training photos, shape (photos, width), for each of :func:`learned_views`.
    """
    settings = assignment.record.settings
    rows = assignment.splits.training(fold)
    views = learned_views(assignment)
    X = StackedViews([features[view] for view in views], np.flatnonzero(rows))
    Y, folds = assignment.tables.targets[rows], assignment.splits.inner_folds(fold)
    if settings.hidden:
        return HiddenHead(settings, exclusive=assignment.exclusive).fit(X.all(), Y, folds, views=len(views))
    weights = class_weights(Y, settings.class_weights, exclusive=assignment.exclusive)
    return LinearHead(exclusive=assignment.exclusive).fit(X, Y, folds, views=len(views), weights=weights)


class FoldHeads:
    """The heads of a frozen member's folds: those that can be are fitted side by side, once the first is asked for.

    Which are fitted together does not depend on what is trained already, so a run that was cut off goes on with the
    same numbers to the last bit.

    Parameters
    ----------
    features
        Of the training photos, shape (photos, width), for each of :func:`learned_views`.
    """

    def __init__(
        self, assignment: Assignment, features: Mapping[View, NDArray[np.float32]], progress: Progress
    ) -> None:
        self._assignment = assignment
        self._features = features
        self._progress = progress
        self._fitted: dict[int, Head] = {}

    def of(self, fold: int) -> Head:
        """Return the head of a fold; see :func:`fit_head`."""
        if fold not in self._fitted:
            assignment = self._assignment
            if assignment.record.settings.hidden:
                self._fitted[fold] = fit_head(assignment, fold, self._features)
            else:
                splits = [*range(assignment.splits.splits), EVERYTHING]
                group = next(group for group in side_by_side(assignment.splits, splits) if fold in group)
                self._fitted |= self._side_by_side(group)
        return self._fitted[fold]

    def _side_by_side(self, group: list[int]) -> dict[int, LinearHead]:
        assignment, views = self._assignment, learned_views(self._assignment)
        targets, kind = assignment.tables.targets, assignment.record.settings.class_weights
        X = StackedViews([self._features[view] for view in views])
        return split_heads(
            X,
            targets,
            assignment.splits,
            group,
            exclusive=assignment.exclusive,
            views=len(views),
            weights=lambda split: class_weights(
                targets[assignment.splits.training(split)], kind, exclusive=assignment.exclusive
            ),
            go_on=lambda: self._progress.go_on(f"in the heads of {assignment.member}"),
        )


def keras_head(head: Head, dropout: float) -> Any:
    """Return a fitted head as a Keras network of features."""
    if isinstance(head, HiddenHead):
        return head.keras_head()
    return build_head(head.kernel_, head.bias_, exclusive=head.exclusive, dropout=dropout)


def starting_head(assignment: Assignment, fold: int, width: int, progress: Progress) -> Any:
    """Return the head that fine-tuning begins with, as a Keras network of features.

    Parameters
    ----------
    width
        Of the features.
    """
    settings = assignment.record.settings
    if settings.head == "random":
        seen = prior(assignment.tables.targets[assignment.splits.training(fold)])
        return random_head(
            width,
            seen,
            assignment.seed_of(fold),
            exclusive=assignment.exclusive,
            hidden=settings.hidden,
            dropout=settings.dropout,
        )
    features: Features = frozen_features(assignment, learned_views(assignment), progress)
    fitted = fit_head(assignment, fold, {view: training for view, (training, _) in features.items()})
    fitted = taught_pseudo_labels(fitted, assignment, fold, features, learned_views(assignment))
    return keras_head(fitted, settings.dropout)
