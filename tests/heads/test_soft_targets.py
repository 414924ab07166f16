"""Soft targets: their loss, its derivative, and heads that learn them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from ensembler.competition.folds.splits import NOT_HELD_OUT
from ensembler.heads.linear import LinearHead, fit_heads
from ensembler.heads.links import compute_probabilities
from ensembler.heads.soft_targets import SoftTargets, compute_distillation_losses_and_errors, soften

RANDOM = np.random.default_rng(0)


def draw_probabilities(rows: int, outputs: int, *, multiclass: bool) -> np.ndarray:
    return compute_probabilities(RANDOM.normal(0, 2, (rows, outputs)), multiclass=multiclass)


@pytest.mark.parametrize(("multiclass", "outputs"), [(True, 3), (False, 1), (False, 4)])
def test_soften(multiclass: bool, outputs: int) -> None:
    given = draw_probabilities(20, outputs, multiclass=multiclass)
    assert soften(given, 1.0, multiclass=multiclass) == pytest.approx(given, abs=1e-6)
    softened = soften(given, 3.0, multiclass=multiclass)
    assert np.array_equal(softened.argsort(axis=1), given.argsort(axis=1))
    even = 1 / outputs if multiclass else 0.5
    assert (np.abs(softened - even).max(axis=1) < np.abs(given - even).max(axis=1)).all()
    assert soften(given, 1e6, multiclass=multiclass) == pytest.approx(np.full_like(given, even), abs=1e-5)


@pytest.mark.parametrize(("multiclass", "outputs"), [(True, 3), (False, 1), (False, 4)])
@pytest.mark.parametrize(("weight", "temperature"), [(0.9, 2.0), (0.3, 1.0), (1.0, 5.0)])
def test_the_errors_are_the_derivative_of_the_loss(
    multiclass: bool, outputs: int, weight: float, temperature: float
) -> None:
    labels, taught = (draw_probabilities(4, outputs, multiclass=multiclass).astype(np.float64) for _ in range(2))
    soft = SoftTargets(taught, weight, temperature)  # type: ignore[arg-type]
    scores, step = RANDOM.normal(0, 2, (4, outputs)), 1e-5

    def compute_loss(of_scores: np.ndarray) -> float:
        softened = soften(taught, temperature, multiclass=multiclass).astype(np.float64)
        losses, _ = compute_distillation_losses_and_errors(
            of_scores.copy(), labels, softened, soft, multiclass=multiclass
        )
        return float(losses.sum())

    softened = soft.soften(multiclass=multiclass).astype(np.float64)
    _, errors = compute_distillation_losses_and_errors(scores.copy(), labels, softened, soft, multiclass=multiclass)
    for row, output in np.ndindex(*scores.shape):
        moved = np.zeros_like(scores)
        moved[row, output] = step
        slope = (compute_loss(scores + moved) - compute_loss(scores - moved)) / (2 * step)
        assert errors[row, output] == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_head_minimises_the_published_loss(temperature: float) -> None:
    """The same minimum as SciPy finds for the formula of the paper, written from scratch."""
    X = RANDOM.normal(0, 1, (80, 4)).astype(np.float32)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    Y = (X[:, :1] + RANDOM.normal(0, 1, (80, 1)) > 0).astype(np.float32)
    Q = draw_probabilities(80, 1, multiclass=False)
    weight, inverse_penalty = 0.7, 0.01

    def sigmoid(values: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-values))

    def cross_entropy(targets: np.ndarray, predicted: np.ndarray) -> float:
        return float(-(targets * np.log(predicted) + (1 - targets) * np.log(1 - predicted)).mean())

    def compute_objective(parameters: np.ndarray) -> float:
        scores = X @ parameters[:4] + parameters[4]
        cooled = sigmoid(np.log(Q[:, 0] / (1 - Q[:, 0])) / temperature)
        taught = temperature**2 * cross_entropy(cooled, sigmoid(scores / temperature))
        penalty = (parameters[:4] ** 2).sum() / (2 * inverse_penalty * len(X))
        return (1 - weight) * cross_entropy(Y[:, 0], sigmoid(scores)) + weight * taught + penalty

    best = minimize(compute_objective, np.zeros(5), tol=1e-10).x
    head = LinearHead(multiclass=False, strengths=(inverse_penalty,))
    head.fit(X, Y, np.zeros(80, np.int64), soft=SoftTargets(Q, weight, temperature))
    assert np.append(head.kernel_[:, 0], head.bias_) == pytest.approx(best, abs=3e-3)


def test_rows_that_are_never_held_out_choose_no_penalty() -> None:
    """Their labels are random, so a choice by them would fall on the strongest penalty."""
    X = RANDOM.normal(0, 1, (300, 5)).astype(np.float32)
    Y = (X[:, :1] > 0).astype(np.float32)
    folds = np.where(np.arange(300) < 200, np.arange(300) % 4, NOT_HELD_OUT)
    Y[200:] = RANDOM.integers(0, 2, (100, 1))
    with_random = LinearHead(multiclass=False).fit(X, Y, folds)
    as_a_fold = LinearHead(multiclass=False).fit(X, Y, np.where(folds == NOT_HELD_OUT, 4, folds))
    assert with_random.strength_ > as_a_fold.strength_


def test_a_class_that_only_the_teacher_shows_is_learned() -> None:
    X = RANDOM.normal(0, 1, (90, 3)).astype(np.float32)
    Q = compute_probabilities(4 * X, multiclass=True)
    labels = np.where(Q.argmax(axis=1) == 2, 0, Q.argmax(axis=1))
    head = LinearHead(multiclass=True, strengths=(1.0,))
    head.fit(X, np.eye(3, dtype=np.float32)[labels], np.zeros(90, np.int64), soft=SoftTargets(Q, 1.0, 1.0))
    assert (head.predict_proba(X).argmax(axis=1) == Q.argmax(axis=1)).mean() > 0.9


def test_one_strength_needs_no_inner_fits() -> None:
    X, folds = RANDOM.normal(0, 1, (40, 3)).astype(np.float32), np.arange(40) % 4
    Y = (X[:, :1] > 0).astype(np.float32)
    across = fit_heads(X, Y, folds, [0, 1, 2, 3], multiclass=False, strengths=(0.1,))
    for fold, head in across.items():
        rest = folds != fold
        alone = LinearHead(multiclass=False, strengths=(0.1,)).fit(X[rest], Y[rest], np.zeros(rest.sum(), np.int64))
        assert head.kernel_ == pytest.approx(alone.kernel_, abs=2e-3)
