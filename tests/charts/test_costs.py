from __future__ import annotations

import numpy as np
import pytest

from ensembler.charts.costs import CostPoint, build_cost_chart, find_pareto_front


@pytest.mark.parametrize(
    ("costs", "losses", "best"),
    [
        ([1, 2, 3], [0.3, 0.2, 0.1], [0, 1, 2]),
        ([1, 2, 3], [0.1, 0.2, 0.3], [0]),
        ([1, 2, 3], [0.3, 0.4, 0.1], [0, 2]),
        # Of two that cost the same the better one, of two of the same loss the cheaper one.
        ([1, 1, 2], [0.3, 0.2, 0.2], [1]),
        ([5], [0.5], [0]),
    ],
    ids=str,
)
@pytest.mark.parametrize("sign", [1, -1], ids=["losses", "larger is better"])
def test_the_front_is_what_nothing_beats_in_both(
    costs: list[int], losses: list[float], best: list[int], sign: int
) -> None:
    points = [
        CostPoint(str(n), sign * loss, 0.0, float(cost))
        for n, (cost, loss) in enumerate(zip(costs, losses, strict=True))
    ]
    assert [int(one.name) for one in find_pareto_front(points, larger_is_better=sign < 0)] == best


def test_what_has_no_cost_is_counted() -> None:
    points = [CostPoint("a", 0.1, None, 5.0), CostPoint("b", 0.2, None, None), CostPoint("c", float("nan"), None, 1.0)]
    figure = build_cost_chart(points, score_label="log loss", cost_label="MB").build_figure()
    assert figure.get_supxlabel() == "Not measured: 2 of 3."
    assert {text.get_text() for text in figure.axes[0].texts} == {"a"}


@pytest.mark.parametrize("scores", [[0.0, 0.5], [-0.3, 0.9], [1e-9, 1.0]], ids=str)
def test_scores_of_any_sign_are_drawn(scores: list[float]) -> None:
    points = [CostPoint(f"m{n}", score, 0.1, float(n + 1)) for n, score in enumerate(scores)]
    figure = build_cost_chart(points, score_label="score", cost_label="s", larger_is_better=True).build_figure()
    low, high = figure.axes[0].get_ylim()
    assert low < np.min(scores)
    assert high > np.max(scores)
