"""The head of a fold, fitted on the frozen features of the other folds or randomly initialised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.folds.splits import ALL_PHOTOS
from ...competition.tables import compute_prior
from ...heads.by_split import fit_split_heads, group_splits
from ...heads.jobs.hidden import HiddenHead
from ...heads.jobs.keras_heads import build_head, build_random_head
from ...heads.jobs.losses import compute_class_weights
from ...heads.linear import LinearHead
from ...heads.stacked_views import StackedViews
from ...images.views import View
from ...options.settings import MemberSettings
from ...progress import Progress
from ..distillation.jobs.heads import fit_distilled_head
from ..features.jobs.compute import Features, load_or_compute_features
from ..features.views import list_head_views
from ..pseudo_labels.jobs.heads import fit_with_pseudo_labels
from ..training_job import TrainingJob

Head = LinearHead | HiddenHead


def fit_head(job: TrainingJob, fold: int, features: Mapping[View, NDArray[np.float32]]) -> Head:
    """Fit the head of a fold. Inner cross-validation chooses the penalty or the number of epochs.

    Parameters
    ----------
    features
        Features of the training photos, shape (photos, width), for each view of :func:`list_head_views`.
    """
    settings = job.record.settings
    rows = job.splits.mask_training(fold)
    views = list_head_views(settings)
    X = StackedViews([features[view] for view in views], np.flatnonzero(rows))
    Y, folds = job.targets[rows], job.splits.make_inner_folds(fold)
    if settings.hidden:
        return HiddenHead(settings, multiclass=job.multiclass).fit(X.copy_all(), Y, folds, views=len(views))
    weights = compute_class_weights(Y, settings.class_weights, multiclass=job.multiclass)
    return LinearHead(multiclass=job.multiclass).fit(X, Y, folds, views=len(views), weights=weights)


def fit_supervised_head(job: TrainingJob, fold: int, features: Features, fit_on_labels: Callable[[], Head]) -> Head:
    """Fit the head of a fold on its labels, and on pseudo-labels or the probabilities of a teacher if there are any.

    Parameters
    ----------
    features
        Features of all photos, for each view of :func:`list_head_views`.
    fit_on_labels
        Function that fits the head on labels alone. It is not called if the member has a teacher.
    """
    views = list_head_views(job.record.settings)
    if job.record.settings.distillation:
        return fit_distilled_head(job, fold, features, views)
    return fit_with_pseudo_labels(fit_on_labels(), job, fold, features, views)


class FoldHeads:
    """Fit the heads of a frozen member's folds lazily, several in one batch where possible.

    The batches do not depend on the folds that are already trained, so an interrupted run resumes bit for bit.

    Parameters
    ----------
    features
        Features of the training photos, shape (photos, width), for each view of :func:`list_head_views`.
    """

    def __init__(self, job: TrainingJob, features: Mapping[View, NDArray[np.float32]], progress: Progress) -> None:
        self._job = job
        self._features = features
        self._progress = progress
        self._fitted: dict[int, LinearHead] = {}

    def fit_fold(self, fold: int) -> Head:
        """Return the head of a fold; see :func:`fit_head`."""
        job, views = self._job, list_head_views(self._job.record.settings)
        if job.record.settings.hidden:
            return fit_head(job, fold, self._features)
        if fold not in self._fitted:
            kind, kept = job.record.settings.class_weights, np.flatnonzero(job.splits.kept)
            groups = group_splits(job.splits, [*range(job.splits.splits), ALL_PHOTOS])
            self._fitted |= fit_split_heads(
                StackedViews([self._features[view] for view in views], kept),
                job.targets[kept],
                job.splits.select_rows(kept),
                next(group for group in groups if fold in group),
                multiclass=job.multiclass,
                views=len(views),
                weights=None if kind == "none" else self._compute_weights,
                raise_if_stopping=lambda: self._progress.raise_if_stopping(f"in the heads of {job.member}"),
            )
        return self._fitted[fold]

    def _compute_weights(self, split: int) -> NDArray[np.float32]:
        job = self._job
        targets, kind = job.targets[job.splits.mask_training(split)], job.record.settings.class_weights
        return compute_class_weights(targets, kind, multiclass=job.multiclass)


def build_keras_head(head: Head, dropout: float) -> Any:
    """Convert a fitted head to a Keras network on features."""
    if isinstance(head, HiddenHead):
        return head.build_keras_head()
    return build_head(head.kernel_, head.bias_, multiclass=head.multiclass, dropout=dropout)


def build_initial_head(
    settings: MemberSettings, width: int, targets: NDArray[np.float32], seed: int, *, multiclass: bool
) -> Any:
    """Build a head with random kernels, whose bias is the prior of each class in ``targets``."""
    return build_random_head(
        width, compute_prior(targets), seed, multiclass=multiclass, hidden=settings.hidden, dropout=settings.dropout
    )


def build_starting_head(job: TrainingJob, fold: int, width: int, progress: Progress) -> Any:
    """Return the head from which fine-tuning starts, as a Keras network on features.

    Parameters
    ----------
    width
        Number of features.
    """
    settings = job.record.settings
    if settings.head == "random":
        targets = job.targets[job.splits.mask_training(fold)]
        return build_initial_head(settings, width, targets, job.compute_seed(fold), multiclass=job.multiclass)
    features: Features = load_or_compute_features(job, list_head_views(settings), progress)
    of_training = {view: training for view, (training, _) in features.items()}
    fitted = fit_supervised_head(job, fold, features, lambda: fit_head(job, fold, of_training))
    return build_keras_head(fitted, settings.dropout)
