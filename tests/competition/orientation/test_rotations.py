from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ensembler.competition.orientation.rotations import (
    average_rotations,
    count_quarter_turns,
    name_rotations,
    read_photos,
    rotate_rows,
)
from ensembler.errors import BadData


def test_each_photo_has_four_consecutive_rows_of_one_group():
    photos = pd.DataFrame({"id": ["a", "b@x"], "path": ["a.jpg", "b@x.jpg"], "label": "0", "group": ["", "g"]})
    rows = rotate_rows(photos)
    assert rows["id"].tolist() == [*name_rotations("a"), *name_rotations("b@x")]
    assert rows["label"].tolist() == rows["rotation"].tolist() == ["0", "90", "180", "270"] * 2
    assert rows["group"].tolist() == ["a.jpg"] * 4 + ["g"] * 4
    assert rows["path"].tolist() == ["a.jpg"] * 4 + ["b@x.jpg"] * 4
    assert count_quarter_turns(rows["rotation"]).tolist() == [0, 1, 2, 3] * 2


def test_the_photos_of_a_sample_submission_are_found_again():
    ids = [*name_rotations("a/b.jpg"), *name_rotations("c@90.jpg")]
    assert read_photos(ids, "sample.csv") == ["a/b.jpg", "c@90.jpg"]


@pytest.mark.parametrize(
    ("ids", "odd"),
    [
        (name_rotations("a")[:3], "a@180"),
        ([*name_rotations("a")[:3], "b@270"], "b@270"),
        (name_rotations("a")[::-1], "a@270"),
        (["a", "b", "c", "d"], "a"),
    ],
)
def test_a_photo_without_its_four_rotations_is_refused(ids, odd):
    with pytest.raises(BadData, match=f"'{odd}'"):
        read_photos(ids, "sample.csv")


def test_the_four_rows_of_a_photo_tell_the_rotation_of_each():
    # The rows of 90 and 270 degrees cannot be told from each other. Those of 0 and 180 can, and decide.
    sure, unsure = [0.97, 0.01, 0.01, 0.01], [0.02, 0.48, 0.02, 0.48]
    rows = np.array([sure, unsure, np.roll(sure, 2), np.roll(unsure, 2)], np.float32)
    averaged = average_rotations(np.concatenate([rows, rows]))
    assert averaged.shape == (8, 4)
    assert averaged.argmax(axis=1).tolist() == [0, 1, 2, 3] * 2
    assert averaged.sum(axis=1) == pytest.approx(1)
    assert averaged[0] == pytest.approx(np.roll(averaged[3], -3))
    # Geometric means of the probabilities of 0, of 180, and of 90 or 270 degrees.
    upright, upside_down, turned = np.sqrt(0.97 * 0.48), np.sqrt(0.01 * 0.48), np.sqrt(0.01 * 0.02)
    assert averaged[0, 0] == pytest.approx(upright / (upright + upside_down + 2 * turned))


def test_a_rotation_of_probability_0_is_outweighed_by_the_others():
    rows = np.array([np.roll([0.997, 0.001, 0.001, 0.001], turns) for turns in range(4)], np.float32)
    rows[1] = [1, 0, 0, 0]
    averaged = average_rotations(rows)
    assert np.isfinite(averaged).all()
    assert averaged.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_no_rows_stay_none():
    assert average_rotations(np.empty((0, 4), np.float32)).shape == (0, 4)
