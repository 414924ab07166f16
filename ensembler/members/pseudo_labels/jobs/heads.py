"""A head that learns from pseudo-labelled photos too, as strongly as its real rows chose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....heads.jobs.hidden import HiddenHead
from ....heads.jobs.losses import compute_class_weights
from ....heads.linear import LinearHead
from ....images.views import View
from ...features.jobs.compute import Features
from ...training_job import TrainingJob


def fit_with_pseudo_labels(
    head: LinearHead | HiddenHead, job: TrainingJob, fold: int, features: Features, views: Sequence[View]
) -> LinearHead | HiddenHead:
    """Fit a head anew on its rows and on the pseudo-labelled photos of its fold; the head itself if there are none.

    Strength or epochs stay as they were chosen on real rows alone. Pseudo-labels were given by networks that saw all
    rows of this training, so with them in its inner folds, what these hold out would seem easier than it is.

    Parameters
    ----------
    head
        Fitted on the rows that ``fold`` does not hold out.
    features
        At least of ``views``.
    views
        Of a photo that a head is fitted on.
    """
    pseudo = job.load_pseudo_labelled(fold)
    if not len(pseudo.rows):
        return head
    rows = job.splits.mask_training(fold)
    shown = [(features[view][0][rows], features[view][1][pseudo.rows]) for view in views]
    X = np.concatenate([part for parts in shown for part in parts])
    Y = np.concatenate([job.tables.targets[rows], pseudo.targets])
    undivided, multiclass = np.zeros(len(Y), np.int64), job.multiclass
    if isinstance(head, HiddenHead):
        again = HiddenHead(head.settings, multiclass=multiclass)
        return again.fit(X, Y, undivided, views=len(views), epochs=head.epochs_)
    weights = compute_class_weights(Y, job.record.settings.class_weights, multiclass=multiclass)
    linear = LinearHead(multiclass=multiclass, strengths=(head.strength_,))
    return linear.fit(X, Y, undivided, views=len(views), weights=weights)
