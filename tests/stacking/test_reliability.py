from __future__ import annotations

import numpy as np
import pytest

from ensembler.stacking.reliability import compute_reliability


@pytest.mark.parametrize(
    ("targets", "given", "exclusive", "error"),
    [
        ([[1], [1], [0], [0]], [[1.0], [1.0], [0.0], [0.0]], False, 0.0),
        ([[0], [0], [1], [1]], [[1.0], [1.0], [0.0], [0.0]], False, 1.0),
        ([[1, 0], [0, 1]], [[0.7, 0.3], [0.7, 0.3]], True, 0.5),
        ([[1, 0], [1, 0]], [[0.7, 0.3], [0.7, 0.3]], True, 0.3),
    ],
)
def test_the_calibration_error_is_the_distance_from_what_happened(
    targets: list[list[int]], given: list[list[float]], exclusive: bool, error: float
) -> None:
    reliability = compute_reliability(np.array(targets, np.float32), np.array(given, np.float32), multiclass=exclusive)
    assert reliability.calibration_error == pytest.approx(error)


def test_bins_have_equal_numbers_the_least_certain_first() -> None:
    random = np.random.default_rng(0)
    given = random.random((1000, 1))
    targets = (random.random((1000, 1)) < given).astype(np.float32)
    reliability = compute_reliability(targets, given, multiclass=False)
    assert [part.count for part in reliability.bins] == [100] * 10
    predicted = [part.predicted for part in reliability.bins]
    assert predicted == sorted(predicted)
    assert reliability.calibration_error < 0.06
    assert reliability.to_json()["bins"][0]["count"] == 100


def test_all_cells_of_several_labels_count() -> None:
    reliability = compute_reliability(np.ones((3, 2)), np.full((3, 2), 0.5), multiclass=False)
    assert sum(part.count for part in reliability.bins) == 6
