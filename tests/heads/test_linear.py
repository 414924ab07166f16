from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from ensembler.competition.metrics.metrics import log_loss
from ensembler.heads.linear import STRENGTHS, LinearHead
from ensembler.heads.links import compute_probabilities


def blobs(classes: int, rows: int = 300, width: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    centres = random.normal(0, 1, (classes, width))
    features = (centres[labels] + random.normal(0, 2, (rows, width))) * random.uniform(0.1, 50, width) + 7
    return features.astype(np.float32), labels, np.arange(rows) % 5


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_softmax_head_is_as_good_as_scikit_learns_at_its_best(classes: int) -> None:
    features, labels, folds = blobs(classes, rows=2300)
    fresh, fresh_labels = features[300:], labels[300:]
    features, labels, folds = features[:300], labels[:300], folds[:300]
    head = LinearHead(multiclass=True).fit(features, one_hot(labels, classes), folds)
    ours = log_loss(one_hot(fresh_labels, classes), head.predict_proba(fresh), multiclass=True)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    theirs = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=1000).fit((features - mean) / deviation, labels)
        guess = model.predict_proba((fresh - mean) / deviation)
        theirs.append(log_loss(one_hot(fresh_labels, classes), guess, multiclass=True))
    assert ours <= 1.1 * min(theirs)


def test_sigmoid_head_fits_each_output() -> None:
    features, labels, folds = blobs(4)
    targets = np.stack([labels > 1, labels % 2 == 1], axis=1).astype(np.float32)
    head = LinearHead(multiclass=False).fit(features, targets, folds)
    assert head.kernel_.shape == (20, 2)
    assert log_loss(targets, head.predict_proba(features), multiclass=False) < 0.6


def test_noise_gets_the_strongest_penalty() -> None:
    features, _, folds = blobs(2)
    labels = np.random.default_rng(1).integers(0, 2, len(features))
    head = LinearHead(multiclass=False).fit(features, labels[:, None].astype(np.float32), folds)
    assert head.strength_ <= STRENGTHS[2]


def test_a_class_without_rows_keeps_a_small_probability() -> None:
    features, labels, folds = blobs(2)
    head = LinearHead(multiclass=True).fit(features, one_hot(labels, 3), folds)
    guess = head.predict_proba(features)
    assert guess.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert 0 < guess[:, 2].mean() < 0.05


@pytest.mark.parametrize("exclusive", [True, False])
def test_confidence_in_rows_of_one_class_follows_their_number(exclusive: bool) -> None:
    features, _, folds = blobs(2)
    targets = np.ones((len(features), 1), np.float32)
    if exclusive:
        targets = np.hstack([targets, np.zeros_like(targets)])
    guess = LinearHead(multiclass=exclusive).fit(features, targets, folds).predict_proba(features)
    assert np.all((guess[:, 0] > 0.99) & (guess[:, 0] < 1))


def test_it_follows_scikit_learns_conventions() -> None:
    head = LinearHead(multiclass=True, strengths=(0.1, 1.0))
    assert clone(head).get_params() == head.get_params()
    with pytest.raises(NotFittedError):
        head.predict_proba(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("exclusive", [True, False])
def test_probabilities_survive_large_scores(exclusive: bool) -> None:
    guess = compute_probabilities(np.array([[1e4, -1e4], [0.0, 0.0]]), multiclass=exclusive)
    assert np.isfinite(guess).all()
    assert guess[0].tolist() == [1, 0]
    assert guess[1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("views", [1, 3])
def test_the_strength_is_chosen_by_photos_not_by_their_views(views: int) -> None:
    features, labels, folds = blobs(2, rows=100)
    targets = labels[:, None].astype(np.float32)
    plain = LinearHead(multiclass=False).fit(features, targets, folds)
    again = LinearHead(multiclass=False).fit(np.tile(features, (views, 1)), targets, folds, views=views)
    # Copies of the rows weaken the penalty by their number.
    stronger = LinearHead(multiclass=False, strengths=tuple(strength / views for strength in STRENGTHS))
    same = stronger.fit(np.tile(features, (views, 1)), targets, folds, views=views)
    assert same.strength_ * views == pytest.approx(plain.strength_)
    assert same.predict_proba(features) == pytest.approx(plain.predict_proba(features), abs=2e-3)
    assert again.kernel_.shape == plain.kernel_.shape


def test_weights_act_like_repeated_rows() -> None:
    features, labels, folds = blobs(2, rows=200)
    targets = (labels * (np.arange(200) % 5 == 0)).astype(np.float32)[:, None]
    weights = np.array([[1], [3]], np.float32)
    rows = np.concatenate([np.arange(200), np.repeat(np.flatnonzero(targets[:, 0]), 2)])
    strengths = (0.01,)
    weighted = LinearHead(multiclass=False, strengths=strengths).fit(features, targets, folds, weights=weights)
    repeated = LinearHead(multiclass=False, strengths=strengths).fit(features[rows], targets[rows], folds[rows])
    plain = LinearHead(multiclass=False, strengths=strengths).fit(features, targets, folds)
    # Repeated rows change the standardisation a little.
    assert weighted.predict_proba(features) == pytest.approx(repeated.predict_proba(features), abs=0.05)
    assert weighted.predict_proba(features).mean() > 1.3 * plain.predict_proba(features).mean()
    both = LinearHead(multiclass=True, strengths=strengths).fit(
        features, np.hstack([1 - targets, targets]), folds, weights=np.array([[1, 1], [1, 3]], np.float32)
    )
    assert both.predict_proba(features)[:, 1:].mean() > 1.3 * plain.predict_proba(features).mean()
