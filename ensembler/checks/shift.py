"""Training photos and photos to predict that differ: whether a classifier tells one set from the other.

This is adversarial validation: an AUC near 0.5 means that the sets are alike in what the classifier sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import FALLBACK_FOLDS
from ..competition.metrics.standard_errors import assign_units
from ..progress import Progress
from .association import (
    LEAST_AREA,
    LEVEL,
    Array,
    Classifier,
    Flags,
    Property,
    Targets,
    bin_numbers,
    deal_folds,
    format_area,
    measure_clue,
    measure_properties,
    sort_clues,
)
from .clues import list_file_clues
from .contact_sheet import COLUMNS
from .doubt import Doubt
from .finding import Finding, Found, Picture
from .photo_facts import COLOUR_NAMES
from .photos import SETS, Photo
from .result import Clue

KIND = "train and test differ"
COLOURS, FEATURES = "all colours and sizes", "frozen features of"
# Least number of photos of each set.
LEAST_IN_SET = 20
# Photos that classifiers learn from and that are told apart, at random, in equal shares of both sets.
MAX_PHOTOS = 10_000
# Principal components of frozen features that the linear head sees.
COMPONENTS = 64
# Photos of each set that are named as unlike the other set.
NAMED = 20


@dataclass(frozen=True)
class StoredFeatures:
    """Frozen features that training has stored.

    Attributes
    ----------
    name
        Backbone that computed them.
    values
        Features, shape (photos, width).
    paths
        Path of each photo. Photos that cannot be decoded any more are among them.
    """

    name: str
    values: NDArray[np.floating]
    paths: Sequence[str]

    def select(self, photos: Sequence[Photo]) -> NDArray[np.floating]:
        """Return the features of some photos, shape (photos, width)."""
        rows = {path: row for row, path in enumerate(self.paths)}
        return self.values[[rows[photo.path] for photo in photos]]


def find_shift(
    photos: Sequence[Photo], features: StoredFeatures | None, progress: Progress
) -> tuple[Found, tuple[Clue, ...]]:
    """Find out whether training photos and photos to predict differ, in what, and which photos are most unlike.

    Parameters
    ----------
    photos
        Photos that can be decoded.
    features
        Frozen features of at least these photos, if a member's training has stored them.
    """
    is_test = np.array([photo.set == "test" for photo in photos], dtype=bool)
    if min(is_test.sum(), (~is_test).sum()) < LEAST_IN_SET:
        text = f"Train and test were not compared, because one of them has fewer than {LEAST_IN_SET} readable photos."
        return Found(left_out=(text,)), ()
    rows = _choose_rows(is_test)
    chosen, targets = [photos[int(row)] for row in rows], _make_targets([photos[int(row)] for row in rows])
    properties = _list_properties(chosen)
    # Inputs are computed within the task that is reported.
    inputs: dict[str, Callable[[], Array]] = {COLOURS: lambda: _list_numbers(chosen)}
    if features is not None:
        inputs[f"{FEATURES} {features.name}"] = lambda: _find_components(features.select(chosen))
    clues = measure_properties(
        properties, targets, others=len(inputs), progress=progress, label="compare files of train and test"
    )
    looks = len(properties) + len(inputs)
    odds = {}
    for name, compute in progress.track(inputs.items(), "compare train and test", len(inputs)):
        classify = _build_classifier(compute(), targets, is_linear=name != COLOURS)
        clue, scores = measure_clue(name, classify, targets, looks)
        clues.append(clue)
        odds[name] = scores[:, 0]
    ranked = sort_clues(clues)
    left_out = [] if features is not None else [_NO_FEATURES]
    if len(rows) < len(photos):
        left_out.append(f"Train and test were compared by {len(rows):,} of {len(photos):,} photos, chosen at random.")
    doubts = tuple(_name_unlike(chosen, ranked, odds))
    return Found(_summarise(ranked, odds), doubts, _show_both(doubts), tuple(left_out)), tuple(ranked)


_NO_FEATURES = (
    "Train and test were compared by colours and sizes only, because no frozen features are stored: `ensembler "
    "train-members` stores them."
)


def _choose_rows(is_test: NDArray[np.bool_]) -> NDArray[np.int64]:
    random = np.random.default_rng(0)
    parts = [random.permutation(np.flatnonzero(is_test == flag))[: MAX_PHOTOS // 2] for flag in (False, True)]
    return np.sort(np.concatenate(parts))


def _make_targets(photos: Sequence[Photo]) -> Targets:
    names = [photo.set for photo in photos]
    units = assign_units([photo.group for photo in photos])
    flags = np.array([[name == "test"] for name in names])
    return Targets(["test"], flags, deal_folds(names, units, FALLBACK_FOLDS), units)


def _list_properties(photos: Sequence[Photo]) -> list[Property]:
    colours = np.array([photo.facts.colours for photo in photos], dtype=np.float64)
    return [
        *list_file_clues(photos),
        *(Property(name, bin_numbers(values)) for name, values in zip(COLOUR_NAMES, colours.T, strict=True)),
    ]


def _list_numbers(photos: Sequence[Photo]) -> Array:
    """Return colour statistics and sizes, shape (photos, numbers)."""
    facts = [photo.facts for photo in photos]
    sizes = [(np.log(each.width), np.log(each.height), np.log(each.file_bytes), each.quantisation) for each in facts]
    return np.column_stack([np.array([each.colours for each in facts]), np.array(sizes)])


def _build_classifier(values: Array, targets: Targets, *, is_linear: bool) -> Classifier:
    """Return a classifier that tells photos to predict.

    Frozen features are classified by logistic regression on their principal components, and other numbers by boosted
    trees (Friedman, Annals of Statistics 29, 2001).
    """
    from threadpoolctl import threadpool_limits

    truth = targets.flags[:, 0]

    def classify(held_out: Flags) -> Array:
        model = _make_linear_model() if is_linear else _make_trees()
        # Threads wait for each other longer than they compute if the machine does something else too.
        with threadpool_limits(1):
            model.fit(values[~held_out], truth[~held_out])
            return np.asarray(model.decision_function(values[held_out]))[:, None]

    return classify


def _find_components(values: NDArray[np.floating]) -> Array:
    """Return principal components of variance 1, shape (photos, components). They do not depend on the sets."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    components = PCA(min(COMPONENTS, *values.shape), whiten=True, random_state=0)
    with threadpool_limits(1):
        return np.asarray(make_pipeline(StandardScaler(), components).fit_transform(values), dtype=np.float64)


def _make_linear_model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.01, max_iter=500)


def _make_trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
    )


def _summarise(clues: Sequence[Clue], odds: dict[str, Array]) -> tuple[Finding, ...]:
    reported = [clue for clue in clues if clue.is_reported]
    if not reported:
        return ()
    best = max(reported, key=lambda clue: clue.area)
    single = next((clue for clue in reported if clue.name not in odds), None)
    driver = f"the single property that tells most is the {single.name} ({format_area(single)})" if single else ""
    summary = (
        f"Photos to predict are told from training photos with an AUC of {format_area(best)} by {best.name}"
        f"{'; ' * bool(driver)}{driver}. {len(reported)} of {len(clues)} classifiers and properties reached "
        f"{LEAST_AREA} at the level {LEVEL}, corrected for all looks."
    )
    examples = tuple(f"{clue.name} {clue.area:.2f}" for clue in reported)
    advice = "a score on training photos may be too good"
    return (Finding(KIND, "both", len(reported), "clue", examples, summary, advice),)


def _show_both(doubts: Sequence[Doubt]) -> dict[str, tuple[Picture, ...]]:
    """Return the photos of each set that are most like the other one, in equal numbers."""
    pictures = [
        Picture(each.path, f"{each.label or 'to predict'}\nlike the other set: {each.score:.2f}")
        for name in SETS
        for each in [doubt for doubt in doubts if doubt.set == name][: COLUMNS // 2]
    ]
    return {KIND: tuple(pictures)} if pictures else {}


def _name_unlike(photos: Sequence[Photo], clues: Sequence[Clue], odds: dict[str, Array]) -> list[Doubt]:
    """Return the photos of each set that look most like the other one, by the best classifier that is reported."""
    best = next((clue.name for clue in clues if clue.is_reported and clue.name in odds), None)
    if best is None:
        return []
    doubts = []
    for name, other, sign in zip(SETS, ("photos to predict", "training photos"), (1, -1), strict=True):
        likeness = 1 / (1 + np.exp(-sign * odds[best]))
        rows = [int(row) for row in np.argsort(-likeness, kind="stable") if photos[int(row)].set == name][:NAMED]
        doubts += [
            photos[row].doubt(
                KIND,
                float(likeness[row]),
                f"By {best}, it is like {other}, with a probability of {likeness[row]:.2f} out of fold.",
            )
            for row in rows
        ]
    return doubts
