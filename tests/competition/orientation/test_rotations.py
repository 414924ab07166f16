from __future__ import annotations

import pandas as pd
import pytest

from ensembler.competition.orientation.rotations import (
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
