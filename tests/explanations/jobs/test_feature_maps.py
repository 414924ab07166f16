"""The last feature maps of backbones, and the views that they show."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from helpers.nested_made import SIZE, make_backbone, make_fold, make_member, make_stack

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.jobs.views import average_aligned, rotate_pixels
from ensembler.backbones.registry import find_backbone
from ensembler.explanations.jobs.feature_maps import find_feature_maps, find_finer_maps
from ensembler.explanations.jobs.flat_graph import FlatGraph
from ensembler.images.views import VIEWS


def test_each_view_of_each_member_has_feature_maps_of_its_own() -> None:
    graph = FlatGraph.flatten(make_stack([make_member("a", 1, views="flip"), make_member("b", 2, views="crops")]))
    maps = find_feature_maps(graph)
    assert [found.member for found in maps] == ["a"] * 2 + ["b"] * 10
    assert {graph.shapes[found.key] for found in maps} == {(None, SIZE // 2, SIZE // 2, 6)}
    assert not any(found.is_pixels for found in maps)
    finer = find_finer_maps(graph, maps)
    assert [found.member for found in finer] == ["a"] * 2 + ["b"] * 10
    assert {graph.shapes[found.key] for found in finer} == {(None, SIZE, SIZE, 6)}


def test_a_view_is_where_its_pixels_come_from() -> None:
    graph = FlatGraph.flatten(make_member("a", 1, views="crops"))
    measured = sorted(found.view.round(3).tolist() for found in find_feature_maps(graph))
    expected = []
    for view in VIEWS["crops"]:
        left, upper, right, lower = (edge / SIZE for edge in view.compute_box(SIZE))
        column = [0, left - right, right] if view.mirrored else [0, right - left, left]
        expected.append([[lower - upper, 0, upper], column])
    np.testing.assert_allclose(measured, sorted(expected), atol=2e-3)


def test_rotated_views_are_turned_back() -> None:
    pixels = keras.Input((SIZE, SIZE, 3))
    backbone = make_backbone(1)
    head, _ = make_fold(backbone, 1, 4)
    model = keras.Model(pixels, average_aligned([head(backbone(flow)) for flow in rotate_pixels(pixels)]))
    views = [found.view for found in find_feature_maps(FlatGraph.flatten(model))]
    photo = np.zeros((1, SIZE, SIZE, 3), "f4")
    photo[0, 2, 5] = 1
    corners = set()
    for view in views:
        # The marked pixel, at the place that the view gives it, in each of the rotated photos.
        here = np.linalg.solve(view[:, :2], np.array([2.5, 5.5]) / SIZE - view[:, 2]) * SIZE - 0.5
        corners.add(tuple(here.round(3) + 0.0))
    rotated = [np.asarray(flow)[0, :, :, 0] for flow in rotate_pixels(photo)]
    assert corners == {tuple(map(float, np.argwhere(flow)[0])) for flow in rotated}


def test_a_network_without_convolutions_has_only_its_pixels() -> None:
    backbone = build_backbone(find_backbone("demo-dense"), 8, "none", 0)
    graph = FlatGraph.flatten(backbone)
    [found] = find_feature_maps(graph)
    assert found.is_pixels
    assert graph.shapes[found.key] == (None, 8, 8, 3)
    assert find_finer_maps(graph, [found]) == []


@pytest.mark.parametrize(("name", "size", "last", "finer"), [("demo-conv", 8, 4, 8), ("demo-separable", 8, 4, 8)])
def test_the_demo_networks_have_feature_maps(name: str, size: int, last: int, finer: int) -> None:
    check_rows(name, size, last, finer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "last", "finer"),
    [("mobilenetv3s-0.75", 64, 2, 4), ("v2b0", 64, 2, 4), ("densenet121", 64, 2, 4), ("nasnetmobile", 64, 2, 4)],
)
def test_real_backbones_have_feature_maps_before_the_pooling(name: str, size: int, last: int, finer: int) -> None:
    check_rows(name, size, last, finer)


def check_rows(name: str, size: int, last: int, finer: int) -> None:
    graph = FlatGraph.flatten(build_backbone(find_backbone(name), size, "none", 0))
    maps = find_feature_maps(graph)
    assert [graph.shapes[found.key][1] for found in maps] == [last]
    assert {graph.shapes[found.key][1] for found in find_finer_maps(graph, maps)} == {finer}
    np.testing.assert_allclose(maps[0].view, [[1, 0, 0], [0, 1, 0]], atol=1e-3)
