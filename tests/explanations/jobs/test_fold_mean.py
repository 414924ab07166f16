"""Photos that different folds held out are explained in one pass, as each by its own folds."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.nested_made import make_member, make_pixels, make_stack

from ensembler.explanations.jobs.explained_network import ExplainedNetwork

PIXELS = make_pixels(4)


@pytest.mark.parametrize("views", ["none", "crops"])
def test_each_photo_is_explained_by_the_folds_with_weight(views: str) -> None:
    def build(folds: list[int]) -> ExplainedNetwork:
        members = [make_member("a", 1, views=views, folds=folds), make_member("b", 2, folds=folds)]
        return ExplainedNetwork(make_stack(members), ["a", "b"], "binary", folds=len(folds))

    weights = np.array([[1, 0], [0, 1], [0.5, 0.5], [0, 1]])
    together = build([0, 1]).explain([PIXELS], fold_weights=weights)
    for rows, folds in (([0], [0]), ([1, 3], [1]), ([2], [0, 1])):
        alone = build(folds).explain([PIXELS[rows]])
        for name in ("probabilities", "member_probabilities", "shares", "heat", "member_heat"):
            np.testing.assert_allclose(getattr(together, name)[rows], getattr(alone, name), atol=1e-6)
    equal = build([0, 1]).explain([PIXELS])
    assert np.abs(equal.probabilities - together.probabilities)[[0, 1, 3]].min() > 1e-4


def test_a_member_without_a_stack_has_weights_too() -> None:
    weights = np.array([[1, 0], [0, 1], [0, 1], [0, 1]])
    together = ExplainedNetwork(make_member("a", 1), [], "binary", folds=2).explain([PIXELS], fold_weights=weights)
    alone = ExplainedNetwork(make_member("a", 1, folds=[1]), [], "binary").explain([PIXELS])
    np.testing.assert_allclose(together.heat[1:], alone.heat[1:], atol=1e-6)
    assert np.abs(together.probabilities - alone.probabilities)[0] > 1e-4
