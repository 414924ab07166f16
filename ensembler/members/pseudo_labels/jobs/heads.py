"""Heads that learn from real and pseudo-labelled photos, with the settings chosen on real rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....heads.jobs.hidden import HiddenHead
from ....heads.jobs.losses import compute_class_weights
from ....heads.linear import LinearHead
from ....images.views import View
from ...features.jobs.compute import Features
from ...training_job import TrainingJob


def join_features(
    features: Features, views: Sequence[View], rows: NDArray[np.bool_], test_rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the features of some training and some test photos, both of the first view, then of the next one."""
    shown = [(features[view][0][rows], features[view][1][test_rows]) for view in views]
    return np.concatenate([part for parts in shown for part in parts])


def fit_with_pseudo_labels(
    head: LinearHead | HiddenHead, job: TrainingJob, fold: int, features: Features, views: Sequence[View]
) -> LinearHead | HiddenHead:
    """Fit a head again on its rows and the pseudo-labelled photos of its fold. Without such photos, return the head.

    The penalty or the number of epochs stays as chosen on real rows. The networks behind the pseudo-labels saw all rows
    of this training, so inner cross-validation with pseudo-labels would be too optimistic.

    Parameters
    ----------
    head
        Head fitted on the training rows of ``fold``.
    features
        Features by view, which include ``views``.
    views
        Views of a photo on which the head is fitted.
    """
    pseudo = job.load_pseudo_labelled(fold)
    if not len(pseudo.rows):
        return head
    rows = job.splits.mask_training(fold)
    X = join_features(features, views, rows, pseudo.rows)
    Y = np.concatenate([job.targets[rows], pseudo.targets])
    undivided, multiclass = np.zeros(len(Y), np.int64), job.multiclass
    if isinstance(head, HiddenHead):
        again = HiddenHead(head.settings, multiclass=multiclass)
        return again.fit(X, Y, undivided, views=len(views), epochs=head.epochs_)
    weights = compute_class_weights(Y, job.record.settings.class_weights, multiclass=multiclass)
    linear = LinearHead(multiclass=multiclass, strengths=(head.strength_,))
    return linear.fit(X, Y, undivided, views=len(views), weights=weights)
