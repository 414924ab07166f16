"""How well a property of files tells classes: an AUC of out-of-fold predictions, with its interval.

A property is turned into indicators, such as the bin of a number. Each indicator has log odds of each class, which are
learned on the other folds (naive Bayes with one or several indicators per photo), so an AUC above 0.5 is no result of
fitting. The interval of the AUC is that of DeLong et al. (Biometrics 44, 1988) with groups as clusters (Obuchowski,
Biometrics 53, 1997).

Out-of-fold predictions depend on each other: two photos of a bin raise each other's score. By chance, their AUC varies
up to 1.4 times as much as that of predictions by one classifier. So the comparison with chance uses one classifier,
which learns from some folds and predicts the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.metrics.measures import measure_auc
from ..progress import SILENT, Progress
from .result import Clue

# Probability of one false alarm or more among all looks of a check, by Bonferroni's correction.
LEVEL = 0.01
# Least AUC that is reported, which Hosmer and Lemeshow (Applied logistic regression, 2000) call acceptable. A weaker
# clue may be certain on many photos, but also come from the pictures: the bytes per pixel tell photos of cats from
# photos of dogs with an AUC of 0.61.
LEAST_AREA = 0.7
# Least number of photos with and without a class for an AUC of that class.
LEAST_PHOTOS = 10
# Bins of a number, by quantiles, and photos that a bin has at least on average.
MAX_BINS, PHOTOS_PER_BIN = 32, 20
# Photos at the rate of all photos that each indicator is given, so that one with few photos tells little.
PRIOR_PHOTOS = 5.0
# Quantile of the normal distribution for a 95 % interval.
_Z = 1.959964

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Property:
    """A property of photos as indicators.

    ``indicators`` is a sparse array of 0 and 1, shape (photos, indicators).
    """

    name: str
    indicators: Any


@dataclass(frozen=True)
class Targets:
    """What properties may tell.

    Attributes
    ----------
    names
        Classes or tags.
    flags
        Whether a photo has a class, shape (photos, classes).
    folds
        Fold of each photo, from 0. A group is in one fold as a whole.
    units
        Number of each photo's group, which differs for photos without a group.
    """

    names: Sequence[str]
    flags: Flags
    folds: Rows
    units: Rows


def deal_folds(labels: Sequence[str], units: Rows, folds: int) -> Rows:
    """Return the fold of each photo: units of each label are dealt to the folds in turn, in random order.

    Unlike the folds of members, these need not have equal numbers of photos, and take no time with many groups.

    Parameters
    ----------
    units
        Number of each photo's group, from 0. The label of a group is that of its first photo.
    folds
        Number of folds, at most that of the units.
    """
    numbers, first, places = np.unique(units, return_index=True, return_inverse=True)
    codes = pd.factorize(np.asarray(labels, dtype=object), sort=True)[0][first]
    shuffled = np.random.default_rng(0).permutation(len(numbers))
    dealt = np.empty(len(numbers), dtype=np.int64)
    dealt[shuffled[np.argsort(codes[shuffled], kind="stable")]] = np.arange(len(numbers)) % folds
    return np.asarray(dealt[places], dtype=np.int64)


def bin_numbers(values: Array) -> Any:
    """Return the indicators of a number's bins. Numbers that are NaN have a bin of their own."""
    known = np.isfinite(values)
    codes = np.zeros(len(values), dtype=np.int64)
    if known.any():
        bins = int(np.clip(known.sum() // PHOTOS_PER_BIN, 2, MAX_BINS))
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, bins + 1)[1:-1]))
        # A value that many photos share has a bin of its own.
        codes[known] = (
            1 + np.searchsorted(edges, values[known], "left") + np.searchsorted(edges, values[known], "right")
        )
    return indicate(codes)


def name_categories(values: Sequence[str]) -> Any:
    """Return the indicators of categories. All categories with a single photo are one."""
    codes, names = pd.factorize(np.asarray(values, dtype=object))
    single = np.bincount(codes, minlength=len(names))[codes] < 2
    return indicate(np.where(single, len(names), codes))


def indicate(codes: Rows) -> Any:
    """Return a sparse array with a 1 at the code of each photo, shape (photos, codes)."""
    from scipy.sparse import csr_array

    _, places = np.unique(codes, return_inverse=True)
    rows = np.arange(len(codes))
    return csr_array((np.ones(len(codes)), (rows, places)), shape=(len(codes), int(places.max(initial=0)) + 1))


# Returns scores of the classes for the photos of a mask, learned from all others, shape (photos of the mask, classes).
Classifier = Callable[[Flags], Array]


def build_classifier(indicators: Any, targets: Targets) -> Classifier:
    """Return the classifier that adds up log odds of each class by indicator, relative to those of all photos."""
    flags = targets.flags.astype(np.float64)

    def classify(held_out: Flags) -> Array:
        learned, known = indicators[~held_out], flags[~held_out]
        prior = (known.sum(axis=0) + 0.5) / (len(known) + 1)
        counts = np.asarray(learned.sum(axis=0)).reshape(-1, 1)
        rates = (learned.T @ known + PRIOR_PHOTOS * prior) / (counts + PRIOR_PHOTOS)
        return np.asarray(indicators[held_out] @ (_compute_log_odds(rates) - _compute_log_odds(prior)))

    return classify


def predict_out_of_fold(classify: Classifier, targets: Targets) -> Array:
    """Return the scores of all photos, each learned from the other folds, shape (photos, classes)."""
    scores = np.zeros(targets.flags.shape)
    for fold in np.unique(targets.folds):
        held_out = targets.folds == fold
        scores[held_out] = classify(held_out)
    return scores


def _compute_log_odds(rates: Array) -> Array:
    return np.asarray(np.log(rates) - np.log1p(-rates))


def measure_properties(
    properties: Sequence[Property],
    targets: Targets,
    others: int = 0,
    *,
    progress: Progress = SILENT,
    label: str = "look for leaks",
) -> list[Clue]:
    """Measure how well each property tells each class from the others.

    Parameters
    ----------
    others
        Number of further properties for which probabilities are corrected.
    label
        Label of the task that is reported.

    Returns
    -------
    list of Clue
        The property that tells a class best comes first. Only the class that it tells best is named.
    """
    looks = (len(properties) + others) * len(targets.names)
    clues = [
        measure_clue(each.name, build_classifier(each.indicators, targets), targets, looks)[0]
        for each in progress.track(properties, label, len(properties))
    ]
    return sort_clues(clues)


def sort_clues(clues: Sequence[Clue]) -> list[Clue]:
    """Return the clues that are reported first, each part by falling AUC."""
    return sorted(clues, key=lambda clue: (not clue.is_reported, -clue.area))


def describe_strongest(clues: Sequence[Clue]) -> str:
    """Return a sentence on the strongest clue that is not reported. Empty if none has an AUC above 0.5."""
    weak = [clue for clue in clues if not clue.is_reported and clue.area > 0.5]
    if not weak:
        return ""
    best = max(weak, key=lambda clue: clue.area)
    why = f"is below {LEAST_AREA}" if best.area < LEAST_AREA else f"may be chance (p = {best.p_value:.2f})"
    return (
        f"The strongest clue to {best.target!r} that is not reported is {best.name} with an AUC of "
        f"{format_area(best)}, which {why}."
    )


def format_area(clue: Clue) -> str:
    """Return an AUC with its interval, such as ``0.73 [0.70, 0.76]``."""
    return f"{clue.area:.2f} [{clue.low:.2f}, {clue.high:.2f}]"


def measure_clue(name: str, classify: Classifier, targets: Targets, looks: int) -> tuple[Clue, Array]:
    """Measure how well a classifier tells the class that it tells best.

    Parameters
    ----------
    looks
        Number of AUCs, of which this is one, that are compared with chance.

    Returns
    -------
    tuple
        The clue, and out-of-fold scores of all photos, shape (photos, classes).
    """
    scores = predict_out_of_fold(classify, targets)
    measured = [measure_auc(flags, guess) for flags, guess in zip(targets.flags.T, scores.T, strict=True)]
    excess = _compare_with_chance(classify, targets)
    best = max(range(len(measured)), key=lambda place: (round(excess[place], 6), measured[place].value))
    area, error = measured[best].value, measured[best].compute_standard_error(targets.units)
    p_value = min(1.0, looks * _compute_tail(excess[best]))
    low, high = _bound(area, error, targets.flags[:, best])
    low, area, high = (round(float(figure), 6) for figure in (low, area, high))
    mean = round(float(np.mean([each.value for each in measured])), 6)
    is_reported = p_value <= LEVEL and area >= LEAST_AREA
    return Clue(name, targets.names[best], area, low, high, p_value, mean, is_reported), scores


def _compare_with_chance(classify: Classifier, targets: Targets) -> list[float]:
    """Return by how many standard errors the AUC of each class exceeds 0.5, on folds that nothing is learned from.

    The standard error is the larger one of that by chance (Mann and Whitney, Annals of Mathematical Statistics 18,
    1947) and of DeLong's, which counts groups.
    """
    held_out = targets.folds < (targets.folds.max() + 2) // 2
    scores, flags, units = classify(held_out), targets.flags[held_out], targets.units[held_out]
    excess = []
    for truth, guess in zip(flags.T, scores.T, strict=True):
        ones, zeros = int(truth.sum()), int((~truth).sum())
        if not ones or not zeros:
            excess.append(0.0)
            continue
        measured = measure_auc(truth, guess)
        chance = float(np.sqrt((ones + zeros + 1) / (12 * ones * zeros)))
        error = measured.compute_standard_error(np.unique(units, return_inverse=True)[1])
        excess.append((measured.value - 0.5) / max(chance, error))
    return excess


def _compute_tail(excess: float) -> float:
    from scipy.stats import norm

    return float(norm.sf(excess))


def _bound(area: float, error: float, truth: Flags) -> tuple[float, float]:
    low, high = area - _Z * error, area + _Z * error
    if area == 1:
        # Without a single error, the rule of three bounds its probability (Hanley and Lippman-Hand, JAMA 249, 1983).
        low = 1 - 3 / min(truth.sum(), (~truth).sum())
    return max(0.0, low), min(1.0, high)
