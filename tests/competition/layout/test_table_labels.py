from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.classes import OneHot
from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.label_tables import find_label_table
from ensembler.competition.layout.table_labels import Expectations, read_labels
from ensembler.competition.layout.tags import Tags
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sample_submission import SampleSubmission

UNKNOWN = Expectations(None, Hints(), None)


@pytest.mark.parametrize(
    ("columns", "cells", "asked"),
    [(("id", "label"), ["9", "cat"], {"cat"}), (("id", "cat", "dog"), ["9", "0", "1"], {"cat", "dog"})],
)
def test_the_classes_that_the_sample_asks_for(columns, cells, asked):
    sample = SampleSubmission(Path("s.csv"), pd.DataFrame([cells], columns=list(columns)))
    assert set(Expectations(sample, Hints(), None).asked_classes) == asked
    assert UNKNOWN.asked_classes == ()


@pytest.mark.parametrize(
    ("rows", "expected", "kind", "doubts"),
    [
        ("id,label;1,a;2,b;3,a;4,b", UNKNOWN, ["a", "b", "a", "b"], 0),
        ("id,a,b;1,1,0;2,0,1;3,1,0;4,1,0", UNKNOWN, OneHot(("a", "b"), multiclass=True), 0),
        ("id,label;1,a|b;2,b;3,a;4,b", UNKNOWN, Tags(("a", "b")), 1),
        ("id,label;1,a;2,b;3,a;4,b;1,b", UNKNOWN, Tags(("a", "b")), 1),
        (
            "id,label;1,a;2,b;3,a;4,b;1,b",
            Expectations(None, Hints(conflicting_labels=True), None),
            ["b", "a", "b"],
            1,
        ),
    ],
)
def test_labels_of_a_table(tmp_path, rows, expected, kind, doubts):
    photos = PhotoFiles.list_below(write_photos(tmp_path, *(f"train/{number}.png" for number in range(1, 5))))
    write_csv(tmp_path / "train.csv", rows)
    table = find_label_table(photos, None, Evidence(), by_name_only=False)
    evidence = Evidence()
    found = read_labels(table, "train", photos, expected, evidence)
    assert (list(found.labels) if isinstance(found.labels, pd.Series) else found.labels) == kind
    assert len(evidence.doubts) == doubts
    assert found.by_path.index.is_unique
