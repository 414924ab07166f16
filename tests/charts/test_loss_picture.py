from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from ensembler.charts.costs import find_pareto_front
from ensembler.charts.loss_picture import PlottedBackbone, build_figure, draw_losses


def made(count: int, seed: int = 0, *, close: bool = False) -> list[PlottedBackbone]:
    random = np.random.default_rng(seed)
    losses = 0.05 + 0.0005 * random.normal(size=count) if close else random.uniform(0.03, 0.6, count)
    return [
        PlottedBackbone(
            f"backbone-{number}",
            float(loss),
            float(loss / 9),
            float(random.uniform(3, 300)),
            10**6 + number,
            number % 3 > 0,
        )
        for number, loss in enumerate(losses)
    ]


@pytest.mark.parametrize("candidates", [made(1), made(5), made(18, 1), made(60, 2), made(40, 3, close=True)], ids=len)
def test_no_two_labels_overlap_and_the_front_has_all_of_its_own(candidates: list[PlottedBackbone]) -> None:
    figure = build_figure(candidates, "title")
    renderer: Any = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for axes, cost in zip(figure.axes, (lambda one: one.milliseconds, lambda one: one.parameters), strict=True):
        texts = [text for text in axes.texts if isinstance(text, Text)]
        boxes = [text.get_window_extent(renderer) for text in texts]
        assert not any(one.overlaps(other) for number, one in enumerate(boxes) for other in boxes[:number])
        names = {text.get_text() for text in texts}
        assert {one.name for one in find_pareto_front([one.make_point(cost(one)) for one in candidates])} <= names


def test_the_files_can_be_read_and_depend_on_the_figures_alone(tmp_path: Path) -> None:
    candidates = [*made(7), PlottedBackbone("untimed", 0.2, float("nan"), None, 10**7, True)]
    paths = [(tmp_path / f"{number}.png", tmp_path / f"{number}.svg") for number in range(2)]
    for png, svg in paths:
        draw_losses(candidates, "dogs & cats", png, svg)
    assert paths[0][0].read_bytes() == paths[1][0].read_bytes()
    assert paths[0][1].read_bytes() == paths[1][1].read_bytes()
    with Image.open(paths[0][0]) as picture:
        assert picture.size == (1200, 560)
        # Ink on white paper.
        assert np.asarray(picture.convert("L")).min() < 60
    assert ElementTree.parse(paths[0][1]).getroot().tag.endswith("svg")  # of our own making
