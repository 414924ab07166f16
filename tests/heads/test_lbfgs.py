from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from ensembler.heads.lbfgs import minimise_batched


def test_each_problem_reaches_its_own_minimum() -> None:
    """Quadratic functions of very unequal steepness, one of which starts at its minimum."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(4, 6))
    scales = np.array([1e-2, 1.0, 1e2, 1.0])[:, None] * np.linspace(1, 50, 6)
    start = np.zeros((4, 6))
    start[3] = centres[3]

    def bowls(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (scales * (at - centres) ** 2).sum(axis=1) / 2, scales * (at - centres)

    found = minimise_batched(bowls, start, tolerance=1e-6, max_iterations=200)
    assert np.allclose(found, centres, atol=1e-3)
    assert np.array_equal(found[3], centres[3])


def test_steps_that_are_too_long_are_halved() -> None:
    """Rosenbrock's valley is curved, so many steps of length 1 would leave it."""
    start = np.array([[-1.2, 1.0], [2.0, -1.0]])

    def valleys(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([rosen(one) for one in at]), np.array([rosen_der(one) for one in at])

    assert np.allclose(minimise_batched(valleys, start, tolerance=1e-7, max_iterations=500), 1, atol=1e-4)


def test_a_problem_does_not_depend_on_those_beside_it() -> None:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(5, 5))
    matrix = matrix @ matrix.T + np.eye(5)

    def bowls(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes = (at - 1) @ matrix
        return ((at - 1) * slopes).sum(axis=1) / 2, slopes

    alone = minimise_batched(bowls, np.zeros((1, 5)), tolerance=1e-9, max_iterations=100)
    beside = minimise_batched(bowls, np.stack([np.zeros(5), np.full(5, 30.0)]), tolerance=1e-9, max_iterations=100)
    assert np.allclose(alone[0], beside[0], atol=1e-9)


@pytest.mark.parametrize("iterations", [0, 3])
def test_no_more_iterations_than_allowed(iterations: int) -> None:
    seen: list[int] = []

    def slow(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(1)
        return (at**4).sum(axis=1), 4 * at**3

    minimise_batched(slow, np.ones((1, 2)), tolerance=0, max_iterations=iterations)
    assert len(seen) <= 1 + 2 * iterations
