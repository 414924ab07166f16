from __future__ import annotations

import pytest
from matplotlib.text import Annotation

from ensembler.charts.learning_curves import FoldCurve, MemberCurves, build_learning_curve_chart


@pytest.mark.parametrize(
    ("training", "validation", "above"),
    [([0.9, 0.2], [0.8, 0.4], "validation"), ([0.9, 0.4], [0.8, 0.2], "training"), ([None, None], [0.8, 0.2], None)],
)
def test_the_names_of_curves_do_not_stand_between_them(
    training: list[float | None], validation: list[float | None], above: str | None
) -> None:
    folds = [FoldCurve(fold, (1, 2), training, validation) for fold in (0, 1)]
    (axes,) = build_learning_curve_chart([MemberCurves("b0", folds)]).build_figure().axes
    names = [text for text in axes.texts if isinstance(text, Annotation)]
    up = {name.get_text() for name in names if name.get_verticalalignment() == "bottom"}
    assert up == {above or "validation"}
    assert len(names) == (2 if above else 1)
