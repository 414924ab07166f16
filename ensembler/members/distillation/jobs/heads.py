"""Heads that learn from labels and from a teacher."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....competition.folds.splits import NOT_HELD_OUT
from ....heads.jobs.hidden import HiddenHead
from ....heads.jobs.losses import compute_class_weights
from ....heads.linear import LinearHead
from ....images.views import View
from ...features.jobs.compute import Features
from ...pseudo_labels.jobs.heads import join_features
from ...training_job import TrainingJob


def fit_distilled_head(
    job: TrainingJob, fold: int, features: Features, views: Sequence[View]
) -> LinearHead | HiddenHead:
    """Fit a head on the labels of a fold and on the probabilities of its teacher.

    The penalty, or the number of epochs, is chosen by the labels of inner held-out photos. The teacher's networks
    learned from some of these, so that the choice can be slightly off; the fold's own held-out photos stay unseen. A
    photo to predict has the teacher's probabilities as its label too, and is never held out.

    Parameters
    ----------
    features
        Features by view, which include ``views``.
    views
        Views of a photo on which the head is fitted.
    """
    settings, multiclass = job.record.settings, job.multiclass
    extra, rows = job.load_pseudo_labelled(fold), job.splits.mask_training(fold)
    soft = job.load_soft_targets(fold, np.flatnonzero(rows))
    X = join_features(features, views, rows, extra.rows)
    Y = np.concatenate([job.targets[rows], extra.targets])
    folds = np.concatenate([job.splits.make_inner_folds(fold), np.full(len(extra.rows), NOT_HELD_OUT)])
    if settings.hidden:
        return HiddenHead(settings, multiclass=multiclass).fit(X, Y, folds, views=len(views), soft=soft)
    weights = compute_class_weights(Y, settings.class_weights, multiclass=multiclass)
    return LinearHead(multiclass=multiclass).fit(X, Y, folds, views=len(views), weights=weights, soft=soft)
