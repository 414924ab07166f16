"""Ranking of photos by the trust in their labels, and the choice of those whose label is probably wrong.

Photos are ranked by the probability of their label out of fold. On planted errors, none of cleanlab's rankings was
better. Confident learning (Northcutt, Jiang & Chuang, Journal of Artificial Intelligence Research 70, 2021) chooses how
many of the first ones are doubted; there, it is better than the photos whose label is not the most probable one.
docs/label-doubts.md has the figures.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...competition.manifest import SEPARATOR, Manifest

Probabilities = NDArray[np.floating]
Mask = NDArray[np.bool_]


# Quantile of the normal distribution for a one-sided level of 5 %.
_Z = 1.644854


@dataclass(frozen=True)
class RankedLabels:
    """Labels by the trust in them.

    Attributes
    ----------
    trust
        Probability of each photo's label, shape (photos,). Of several labels, that of the least probable one; the
        absence of a label counts as a label.
    doubted
        Mask of the photos whose label is probably wrong, shape (photos,).
    suggested
        Label of each photo that the predictions suggest, in the format of ``train.csv``.
    suggested_probability
        Probability of what ``suggested`` changes, shape (photos,).
    """

    trust: NDArray[np.float64]
    doubted: Mask
    suggested: tuple[str, ...]
    suggested_probability: NDArray[np.float64]


def agree_beyond_chance(targets: NDArray[np.float32], probabilities: Probabilities) -> bool:
    """Return whether predictions agree with the labels more than with the same labels at random, beyond noise.

    The level is 5 %, one-sided. Neither the balance of the classes nor the confidence of the predictions matters.

    Parameters
    ----------
    targets, probabilities
        The same arrays as for :func:`rank_labels`.
    """
    agreement = ((targets - targets.mean(axis=0)) * (2 * probabilities.astype(np.float64) - 1)).mean(axis=1)
    if len(agreement) < 2:
        return False
    return bool(agreement.mean() > _Z * agreement.std(ddof=1) / np.sqrt(len(agreement)))


def rank_labels(targets: NDArray[np.float32], probabilities: Probabilities, manifest: Manifest) -> RankedLabels:
    """Rank labels by out-of-fold probabilities.

    Parameters
    ----------
    targets, probabilities
        Targets 0 or 1, and probabilities of networks that never saw the photo, shape (photos, outputs).
    """
    if manifest.task == "multilabel":
        return _rank_tags(targets > 0.5, probabilities.astype(np.float64), manifest)
    if probabilities.shape[1] == 1:
        probabilities, targets = (np.hstack([1 - each, each]) for each in (probabilities, targets))
    return _rank_classes(targets.argmax(axis=1), probabilities.astype(np.float64), manifest)


def _rank_classes(labels: NDArray[np.int64], probabilities: NDArray[np.float64], manifest: Manifest) -> RankedLabels:
    rows, best = np.arange(len(labels)), probabilities.argmax(axis=1)
    return RankedLabels(
        trust=probabilities[rows, labels],
        doubted=_find_class_issues(labels, probabilities),
        suggested=tuple(manifest.classes[number] for number in best),
        suggested_probability=probabilities[rows, best],
    )


def _find_class_issues(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Mask:
    """Return the mask of photos that confident learning doubts, among those whose label is not the most probable."""
    from cleanlab.filter import find_label_issues

    # Confident learning needs photos of each class.
    present, known = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return np.zeros(len(labels), bool)
    shares = probabilities[:, present]
    total = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, total, out=np.full_like(shares, 1 / len(present)), where=total > 0)
    with warnings.catch_warnings():
        # A class of one photo is never doubted.
        warnings.filterwarnings("ignore", message="May not flag all label issues", category=UserWarning)
        # One process, because forks of a process with threads can hang.
        found = np.asarray(find_label_issues(known, shares, n_jobs=1), dtype=bool)
    return np.asarray(found & (present[shares.argmax(axis=1)] != labels))


def _rank_tags(labels: Mask, probabilities: NDArray[np.float64], manifest: Manifest) -> RankedLabels:
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class

    of_label = np.where(labels, probabilities, 1 - probabilities)
    listed = [np.flatnonzero(row).tolist() for row in labels]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues", category=UserWarning)
        issues = np.asarray(find_multilabel_issues_per_class(listed, probabilities, n_jobs=1), dtype=bool)
    issues &= of_label < 0.5
    names = np.array(manifest.outputs, dtype=str)
    changed = np.where(issues, 1 - of_label, np.inf).min(axis=1)
    return RankedLabels(
        trust=of_label.min(axis=1),
        doubted=np.asarray(issues.any(axis=1)),
        suggested=tuple(SEPARATOR.join(names[row]) for row in labels ^ issues),
        suggested_probability=np.where(np.isfinite(changed), changed, 0.0),
    )
