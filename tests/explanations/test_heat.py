"""Maps on the photo, and the words for them."""

from __future__ import annotations

import numpy as np
import pytest

from ensembler.explanations.heat import MAP_SIZE, measure_half_area, name_region, normalise, place_on_photo

WHOLE = np.array([[1.0, 0, 0], [0, 1, 0]])


def spot(row: float, column: float, size: int = 20) -> np.ndarray:
    heat = np.zeros((size, size), np.float32)
    heat[int(row * size), int(column * size)] = 1
    return heat


@pytest.mark.parametrize(
    ("row", "column", "region"),
    [
        (0.5, 0.5, "centre"),
        (0.05, 0.05, "upper left"),
        (0.05, 0.5, "upper"),
        (0.5, 0.95, "right"),
        (0.9, 0.1, "lower left"),
    ],
)
def test_the_region_is_that_of_a_spot(row: float, column: float, region: str) -> None:
    assert name_region(spot(row, column)) == region


def test_the_region_holds_evidence_even_if_the_centre_of_mass_does_not() -> None:
    assert name_region(2 * spot(0.05, 0.05) + spot(0.9, 0.9)) == "upper left"
    # A strong place on the border of four parts outweighs what is weaker and spread over one of them.
    border = np.zeros((20, 20), np.float32)
    border[3:7, 3:7], border[8:12, 14:] = 1, 0.4
    assert name_region(border) == "upper left"
    assert name_region(np.ones((56, 40), np.float32)) == "centre"


def test_a_map_without_evidence_is_nowhere() -> None:
    empty = normalise(-np.ones((1, 4, 4)))[0]
    assert (name_region(empty), measure_half_area(empty), float(empty.sum())) == ("nowhere", 0.0, 0.0)


@pytest.mark.parametrize(("share", "expected"), [(1.0, 0.5), (0.5, 0.25), (0.1, 0.05)])
def test_half_of_the_mass_of_an_even_area_is_in_half_of_it(share: float, expected: float) -> None:
    heat = np.zeros((100, 100), np.float32)
    heat[: round(100 * share)] = 1
    assert measure_half_area(heat) == pytest.approx(expected, abs=1e-3)


def test_a_normalised_map_sums_to_one_and_has_no_negative_value() -> None:
    maps = normalise(np.random.default_rng(0).normal(size=(3, 5, 5)))
    assert maps.min() == 0
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WHOLE, [[1, 2], [3, 4]]),
        (np.array([[1.0, 0, 0], [0, -1, 1]]), [[2, 1], [4, 3]]),
        # Row and column change places: a quarter turn, with a mirror.
        (np.array([[0, 1.0, 0], [1, 0, 0]]), [[1, 3], [2, 4]]),
        # A crop of the right half: nothing is known of the left.
        (np.array([[1.0, 0, 0], [0, 0.5, 0.5]]), [[0, 1.5], [0, 3.5]]),
    ],
    ids=["whole", "mirrored", "transposed", "crop"],
)
def test_a_map_is_turned_back_by_its_view(view: np.ndarray, expected: list[list[float]]) -> None:
    placed = place_on_photo(np.array([[[1.0, 2], [3, 4]]]), view, 2)
    np.testing.assert_allclose(placed[0], expected, atol=1e-6)


def test_interpolation_keeps_an_even_map_even() -> None:
    placed = place_on_photo(np.ones((2, 7, 7)), WHOLE)
    assert placed.shape == (2, MAP_SIZE, MAP_SIZE)
    np.testing.assert_allclose(placed, 1, rtol=1e-6)
