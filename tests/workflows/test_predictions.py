from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np

from ensembler.workflows.predict import Predictions

FOUND = Predictions(
    stack="b0_b2",
    task="multiclass",
    outputs=("cat", "dog, young"),
    photos=(Path("a.png"), Path("below/b,c.png")),
    probabilities=np.array([[0.25, 0.75], [1e-7, 0.9999999]], np.float32),
    unreadable=(Path("lost.png"),),
)


def test_the_csv_has_a_column_for_each_class_and_loses_no_digit():
    text = FOUND.to_csv()
    assert text.splitlines()[:2] == ['photo,cat,"dog, young"', "a.png,0.25,0.75"]
    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert [row[0] for row in rows] == ["a.png", "below/b,c.png"]
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], np.float32), FOUND.probabilities)


def test_the_json_has_everything():
    fields = json.loads(json.dumps(FOUND.to_json()))
    assert fields.keys() == {"stack", "task", "outputs", "photos", "unreadable"}
    assert fields["photos"][0] == {"photo": "a.png", "probabilities": [0.25, 0.75]}
    given = np.array([photo["probabilities"] for photo in fields["photos"]], np.float32)
    np.testing.assert_array_equal(given, FOUND.probabilities)
    assert (fields["outputs"], fields["unreadable"]) == (["cat", "dog, young"], ["lost.png"])
