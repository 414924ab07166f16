"""Linear heads of a competition's splits, those of one repeat side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.folds import Folds
from ..competition.folds.splits import EVERYTHING
from .linear import LinearHead, fit_heads
from .stacked_views import Rows


def side_by_side(folds: Folds, splits: Sequence[int]) -> list[list[int]]:
    """Divide splits into those whose heads are fitted together: those of one repeat that has several folds."""
    alone = [[split] for split in splits if split == EVERYTHING or folds.count == 1]
    repeats: dict[int, list[int]] = {}
    for split in splits:
        if split != EVERYTHING and folds.count > 1:
            repeats.setdefault(folds.place(split)[0], []).append(split)
    return [*repeats.values(), *alone]


def split_heads(
    X: Rows,
    Y: NDArray[np.float32],
    folds: Folds,
    splits: Sequence[int],
    *,
    exclusive: bool,
    views: int = 1,
    weights: Callable[[int], NDArray[np.float32] | None] = lambda _: None,
    go_on: Callable[[], None] = lambda: None,
) -> dict[int, LinearHead]:
    """Fit the heads of splits that :func:`side_by_side` put together, each on what its split does not hold out.

    Parameters
    ----------
    X
        Features of shape (views x photos, width): all photos as one view shows them, then as the next does.
    Y
        Targets 0 or 1, shape (photos, outputs).
    exclusive
        One class a photo.
    views
        How many there are of each photo.
    weights
        Of a split, as :meth:`.LinearHead.fit` takes them.
    go_on
        Called before each look at the features; it may end the work by an exception.
    """
    if len(splits) > 1 and all(weights(split) is None for split in splits):
        repeat = folds.place(splits[0])[0]
        numbers = {split: folds.place(split)[1] for split in splits}
        heads = fit_heads(
            X,
            Y,
            folds.assigned[:, repeat],
            list(numbers.values()),
            exclusive=exclusive,
            views=views,
            go_on=go_on,
        )
        return {split: heads[number] for split, number in numbers.items()}
    every = {}
    for split in splits:
        rows = folds.training(split)
        shown = X[np.tile(rows, views)]
        every[split] = LinearHead(exclusive=exclusive).fit(
            shown, Y[rows], folds.inner_folds(split), views=views, weights=weights(split), go_on=go_on
        )
    return every
