from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ensembler.heads.stacked_views import StackedViews

PHOTOS, WIDTH = 7, 3
VIEWS = [np.random.default_rng(view).random((PHOTOS, WIDTH), np.float32) for view in range(2)]


@pytest.fixture(params=["memory", "files"])
def views(request: pytest.FixtureRequest, tmp_path: Path) -> list[np.ndarray]:
    if request.param == "memory":
        return VIEWS
    for number, view in enumerate(VIEWS):
        np.save(tmp_path / f"{number}.npy", np.concatenate([view, view]))
    return [np.load(tmp_path / f"{number}.npy", mmap_mode="r")[:PHOTOS] for number in range(2)]


@pytest.mark.parametrize("photos", [None, [6, 0, 2]], ids=["all", "some"])
@pytest.mark.parametrize("rows", [[0], [5, 4, 0, 5], [], "mask"], ids=str)
def test_rows_are_those_of_the_joined_array(views: list[np.ndarray], photos: list[int] | None, rows: object) -> None:
    numbers = None if photos is None else np.array(photos)
    joined = np.concatenate(VIEWS if photos is None else [view[photos] for view in VIEWS])
    asked = np.arange(len(joined)) % 3 == 1 if rows == "mask" else np.array(rows, int)
    stacked = StackedViews(views, numbers)
    assert stacked.shape == joined.shape
    assert stacked[asked].dtype == np.float32
    # Memory-mapped files stay readable after their release.
    for _ in range(2):
        np.testing.assert_array_equal(stacked[asked], joined[asked])
    np.testing.assert_array_equal(stacked.copy_all(), joined)
