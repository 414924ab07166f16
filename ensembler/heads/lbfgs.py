"""L-BFGS for several smooth convex problems of one size, which share large matrix products."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
# Returns the value of each problem, shape (problems,), and its gradient, shape (problems, numbers).
Objective = Callable[[Float], tuple[Float, Float]]

# Number of previous steps in memory, and number of halvings of a step after which a problem counts as solved.
HISTORY_SIZE = 8
MAX_HALVINGS = 12
# Share of the decrease predicted by the slope that a step must achieve.
ARMIJO = 1e-4


def minimise_batched(objective: Objective, start: Float, *, tolerance: float, max_iterations: int) -> Float:
    """Minimise by L-BFGS (Liu and Nocedal, Mathematical Programming 45, 1989), with a separate step for each problem.

    Parameters
    ----------
    objective
        Function that returns the value and the gradient of all problems.
    start
        Starting point, shape (problems, numbers).
    tolerance
        Largest absolute component of the gradient of a solved problem.
    max_iterations
        Maximum number of iterations.

    Returns
    -------
    array
        Minima in the shape of ``start``.
    """
    point = start.copy()
    value, gradient = objective(point)
    steps: deque[tuple[Float, Float, Float]] = deque(maxlen=HISTORY_SIZE)
    active = np.abs(gradient).max(axis=1) > tolerance
    for iteration in range(max_iterations):
        if not active.any():
            break
        direction = _compute_direction(gradient, steps)
        slope = _compute_dots(direction, gradient)
        uphill = slope >= 0
        direction[uphill], slope[uphill] = -gradient[uphill], -_compute_dots(gradient, gradient)[uphill]
        length = np.ones(len(point), point.dtype)
        if not iteration:
            length /= np.maximum(np.sqrt(-slope), 1e-12)
        length[~active] = 0
        new_point, new_value, new_gradient = _backtrack(objective, point, value, direction, slope, length, active)
        moved = active & (length > 0)
        step, change = new_point - point, new_gradient - gradient
        curvature = _compute_dots(step, change)
        useful = moved & (curvature > 1e-10 * np.sqrt(_compute_dots(change, change) * _compute_dots(step, step)))
        steps.append((step, change, np.where(useful, 1 / np.where(useful, curvature, 1), 0)))
        point, value, gradient = new_point, new_value, new_gradient
        active = moved & (np.abs(gradient).max(axis=1) > tolerance)
    return point


def _backtrack(
    objective: Objective,
    point: Float,
    value: Float,
    direction: Float,
    slope: Float,
    length: Float,
    active: NDArray[np.bool_],
) -> tuple[Float, Float, Float]:
    """Halve steps until each decreases its problem's value. ``length`` becomes 0 where no step does."""
    for halvings in range(1, MAX_HALVINGS + 2):
        new_point = point + length[:, None] * direction
        new_value, new_gradient = objective(new_point)
        # Rounding hides small decreases.
        slack = 1e-6 * np.abs(value)
        failed = active & (length > 0) & ~(new_value <= value + ARMIJO * length * slope + slack)
        if not failed.any():
            break
        length[failed] *= 0.5 if halvings < MAX_HALVINGS else 0
    return new_point, new_value, new_gradient


def _compute_direction(gradient: Float, steps: deque[tuple[Float, Float, Float]]) -> Float:
    """Return the L-BFGS direction of descent. Steps of weight 0 do not count."""
    direction = -gradient
    shares = []
    for step, change, weight in reversed(steps):
        share = weight * _compute_dots(step, direction)
        direction = direction - share[:, None] * change
        shares.append(share)
    if steps:
        scale = np.ones(len(gradient), gradient.dtype)
        for _, change, weight in steps:
            scale = np.where(weight > 0, 1 / np.maximum(weight * _compute_dots(change, change), 1e-30), scale)
        direction = direction * scale[:, None]
    for (step, change, weight), share in zip(steps, reversed(shares), strict=True):
        direction = direction + (share - weight * _compute_dots(change, direction))[:, None] * step
    return np.asarray(direction)


def _compute_dots(first: Float, second: Float) -> Float:
    return np.asarray(np.einsum("kn,kn->k", first, second))
