"""Choice of the classes and tags that maximise the expected metric, given probabilities.

The rules use only the probabilities. They are not fitted to labels, so labels cannot leak.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..manifest import Manifest
from .metrics import Metric

Probabilities = NDArray[np.float64]
Predicted = NDArray[np.bool_]

# Tags beyond a photo's most probable ones hardly change its F score.
MAX_TAGS = 40
# Rows at a time, to bound the memory.
_CHUNK_ROWS = 2048
_MAX_ROUNDS = 20


def choose_labels(metric: Metric, probabilities: NDArray[np.floating], manifest: Manifest) -> Predicted:
    """Choose the class or the tags of each photo for a metric that scores labels.

    Returns booleans of the shape of ``probabilities``, (photos, outputs): True for one class, or for at least one tag,
    per photo.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    if manifest.task == "multilabel":
        tags = _choose_tags(metric, given)
        # A row without tags gets its most probable one, since Kaggle refuses empty cells.
        untagged = ~tags.any(axis=1)
        tags[untagged] = _encode_one_hot(given[untagged].argmax(axis=1), given.shape[1])
        return tags
    if manifest.task == "multiclass":
        return _encode_one_hot(_choose_classes(metric, given, manifest), given.shape[1])
    if metric.name == "f1":
        return _choose_f1_cells(given)
    both = np.column_stack([1 - given, given])
    return np.asarray(_choose_classes(metric, both, manifest)[:, None] == 1)


def _choose_classes(metric: Metric, probabilities: Probabilities, manifest: Manifest) -> NDArray[np.intp]:
    if metric.name == "quadratic weighted kappa":
        return choose_kappa_classes(probabilities, parse_class_levels(manifest.classes))
    if metric.name == "macro f1":
        return choose_macro_f1_classes(probabilities)
    return np.asarray(probabilities.argmax(axis=1))


def _choose_tags(metric: Metric, probabilities: Probabilities) -> Predicted:
    if metric.name in ("sample f1", "sample f2"):
        return choose_sample_f_tags(probabilities, metric.beta)
    if metric.name == "macro f1":
        return np.column_stack([_choose_f1_cells(column[:, None]) for column in probabilities.T])
    if metric.name == "micro f1":
        return _choose_f1_cells(probabilities)
    return probabilities > 0.5


def _encode_one_hot(classes: NDArray[np.intp], count: int) -> Predicted:
    return np.asarray(np.arange(count) == classes[:, None])


def parse_class_levels(classes: tuple[str, ...]) -> Probabilities:
    """Return the numbers of classes: their names if all are numbers, else their positions."""
    places = np.arange(len(classes), dtype=np.float64)
    try:
        levels = np.array([float(name) for name in classes])
    except ValueError:
        return places
    return levels if np.isfinite(levels).all() else places


def choose_kappa_classes(probabilities: Probabilities, levels: Probabilities) -> NDArray[np.intp]:
    """Choose the classes with the largest expected quadratic weighted kappa, given the number of each class.

    Kappa is 1 minus the ratio of the squared distance to the truth and the squared distance by chance. The class
    nearest to a row's expected level minimises the distance. The ratio is minimised by the class nearest to that level
    after it is moved away from the mean of all rows, by an amount that grows with the ratio. So ratio and classes are
    computed in turn (Dinkelbach, On nonlinear fractional programming, Management Science 13, 1967).
    """
    means, squares = probabilities @ levels, probabilities @ levels**2
    centre, spread = means.mean(), squares.mean() - means.mean() ** 2

    def compute_ratio(answer: Probabilities) -> float:
        chance = spread + ((answer - centre) ** 2).mean()
        return float((squares - 2 * means * answer + answer**2).mean() / chance) if chance > 0 else 1.0

    best = _choose_nearest(means, levels)
    smallest, ratio = compute_ratio(levels[best]), compute_ratio(means)
    for _ in range(_MAX_ROUNDS):
        if ratio > 1 - 1e-9:
            break
        chosen = _choose_nearest(centre + (means - centre) / (1 - ratio), levels)
        ratio = compute_ratio(levels[chosen])
        if ratio >= smallest:
            break
        best, smallest = chosen, ratio
    return best


def _choose_nearest(values: Probabilities, levels: Probabilities) -> NDArray[np.intp]:
    order = np.argsort(levels)
    midpoints = (levels[order][1:] + levels[order][:-1]) / 2
    return np.asarray(order[np.searchsorted(midpoints, values)])


def choose_macro_f1_classes(probabilities: Probabilities) -> NDArray[np.intp]:
    """Choose classes for the largest expected mean of the classes' F1, starting from the most probable ones.

    The F1 of a class is twice its hits divided by the sum of its predicted and true rows. One more row of probability p
    changes it by (2 p - F1) divided by that sum, so each round moves every row to the class that gains most (Narasimhan
    et al., Consistent multiclass algorithms for complex performance measures, ICML 2015, follow the same gradient). F1
    and sum are averaged over rounds, so that not too many rows move at once. The round with the largest expected score
    is returned.
    """
    rows, outputs = np.arange(len(probabilities)), probabilities.shape[1]
    belonging = probabilities.sum(axis=0)
    best = chosen = probabilities.argmax(axis=1)
    largest, slow_scores, slow_sums = -np.inf, None, None
    for _ in range(_MAX_ROUNDS):
        hits = np.bincount(chosen, weights=probabilities[rows, chosen], minlength=outputs)
        sums = np.maximum(np.bincount(chosen, minlength=outputs) + belonging, 1e-12)
        scores = 2 * hits / sums
        if scores.mean() > largest:
            best, largest = chosen, scores.mean()
        slow_scores = scores if slow_scores is None else (slow_scores + scores) / 2
        slow_sums = sums if slow_sums is None else (slow_sums + sums) / 2
        chosen = ((2 * probabilities - slow_scores) / slow_sums).argmax(axis=1)
    return np.asarray(best)


def _choose_f1_cells(probabilities: Probabilities) -> Predicted:
    """Choose cells for the largest expected F1 over all cells.

    The best threshold of the probabilities is half of the F1 that it reaches (Lipton et al., Optimal thresholding of
    classifiers to maximize F1 measure, ECML 2014).
    """
    falling = -np.sort(-probabilities, axis=None)
    reached = 2 * np.cumsum(falling) / (np.arange(1, len(falling) + 1) + falling.sum())
    return np.asarray(probabilities >= reached.max() / 2)


def choose_sample_f_tags(probabilities: Probabilities, beta: float) -> Predicted:
    """Choose at least one tag per row for the largest expected F score, assuming independent tags.

    Among sets of one size, the most probable tags are best (Jansche, A maximum expected utility framework for binary
    sequence labeling, ACL 2007). The expected score of each size follows from the numbers of true tags among the chosen
    and the other tags, which are Poisson binomial (Ye et al., Optimizing F-measure: a tale of two approaches, ICML
    2012). Only the :data:`MAX_TAGS` most probable tags of a row are considered.
    """
    max_tags = min(MAX_TAGS, probabilities.shape[1])
    predicted = np.zeros(probabilities.shape, dtype=bool)
    for start in range(0, len(probabilities), _CHUNK_ROWS):
        part = probabilities[start : start + _CHUNK_ROWS]
        order = np.argsort(-part, axis=1, kind="stable")[:, :max_tags]
        sizes = _choose_sizes(np.take_along_axis(part, order, axis=1), beta)
        np.put_along_axis(predicted[start : start + _CHUNK_ROWS], order, np.arange(max_tags) < sizes[:, None], axis=1)
    return predicted


def _choose_sizes(falling: Probabilities, beta: float) -> NDArray[np.intp]:
    """Return the number of tags to choose per row, given its probabilities in descending order."""
    tags = falling.shape[1]
    others = [np.ones((len(falling), 1))]
    for tag in reversed(range(1, tags)):
        others.append(_add_tag(others[-1], falling[:, tag]))
    hits = np.ones((len(falling), 1))
    expected = np.empty(falling.shape)
    for size in range(1, tags + 1):
        hits = _add_tag(hits, falling[:, size - 1])
        misses = others[tags - size]
        hit_counts, miss_counts = np.arange(size + 1)[:, None], np.arange(tags - size + 1)
        scores = (1 + beta**2) * hit_counts / (beta**2 * (hit_counts + miss_counts) + size)
        expected[:, size - 1] = (hits @ scores * misses).sum(axis=1)
    return np.asarray(expected.argmax(axis=1) + 1)


def _add_tag(counts: Probabilities, probability: Probabilities) -> Probabilities:
    """Return the distribution of a count, shape (rows, 0 to maximum), after one more tag that may be true."""
    grown = np.zeros((counts.shape[0], counts.shape[1] + 1))
    grown[:, :-1] = counts * (1 - probability[:, None])
    grown[:, 1:] += counts * probability[:, None]
    return grown
