from __future__ import annotations

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.label_rows import read_label_rows
from ensembler.competition.layout.doubts import report_classes, report_rows, report_test_photos
from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.layout.tags import Tags
from ensembler.competition.manifest import TestLayout, TrainLayout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sample_submission import SampleSubmission


@pytest.mark.parametrize(
    ("labels", "classes", "says"),
    [
        (["a", "a", "b", "b"], ("a", "b"), []),
        (["a", "a", "b", "b"], ("a", "b", "c"), ["No photo shows 1 of the sample's classes (c)"]),
        (Tags(("a", "b")), ("a", "b", "c"), ["No photo shows 1 of the sample's classes (c)"]),
        (["a", "a", "b"], ("a", "b"), ["Only one photo shows each of 1 classes (b)"]),
        (["Cat", "Cat", "cat", "cat"], ("Cat", "cat"), ["'Cat' (2 photos), 'cat' (2 photos)"]),
        (["0", "0", "0.0", "0.0"], ("0", "0.0"), ["'0' (2 photos), '0.0' (2 photos)"]),
        (["1", "1", "10", "10"], ("1", "10"), []),
    ],
)
def test_doubts_about_classes(labels, classes, says):
    evidence = Evidence()
    report_classes(labels if isinstance(labels, Tags) else pd.Series(labels), classes, evidence)
    assert len(evidence.doubts) == len(says)
    assert all(words in doubt for words, doubt in zip(says, evidence.doubts, strict=True))


@pytest.mark.parametrize(
    ("content", "changes", "says"),
    [
        ("id,label\n1,a\n2,b\n", {}, []),
        ("id,label\n1,a\n2,b\n1,a\n", {}, ["labels.csv contains 1 repeated row: equal rows"]),
        ("id,label\n1,a\n2,é\n", {}, ["not UTF-8 and was read as Windows-1252: check the spelling, such as 'é'"]),
        ("id,label\n1,a\n" + "1,a\n" * 70_000 + "2,é\n", {}, ["such as 'é'", "70000 repeated rows"]),
        ("id,label\n1.jpg,a\n2,b\n", {}, ["1 without or with another suffix (1.jpg is train/1.png), 1 by name"]),
        ("id,label\n1,a\n7,b\n", {"missing_photos": True}, ["labels.csv contains 1 row without a photo, left out: 7"]),
        (
            "id,label\n1,a\n1,b\n2,a\n",
            {"conflicting": True},
            ["labels.csv contains 1 photo with more than one label, left out: 1."],
        ),
    ],
)
def test_doubts_about_rows(tmp_path, content, changes, says):
    photos = PhotoFiles.list_below(write_photos(tmp_path, "train/1.png", "train/2.png"))
    (tmp_path / "labels.csv").write_bytes(content.encode("cp1252"))
    layout = TrainLayout("train", "csv", "labels.csv", "id", ("label",), **changes)
    evidence = Evidence()
    report_rows(read_label_rows(layout, photos), layout, evidence)
    assert len(evidence.doubts) == len(says)
    assert all(words in doubt for words, doubt in zip(says, evidence.doubts, strict=True))


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ("1;2;3", []),
        ("1;3", ["s.csv does not ask for 1 photo of test, so no answer is written there: test/2.png"]),
        ("1;2;3;03.jpg", ["1 without or with another suffix"]),
        (
            "1;2;3;3.jpg",
            ["1 without or with another suffix", "Several ids of s.csv stand for the same photo: 3"],
        ),
        ("1;2;3;99", []),
    ],
)
def test_doubts_about_photos_to_predict(tmp_path, ids, says):
    names = ["test/1.png", "test/2.png", "test/3.png", *(["test/03.png"] if "03" in ids else [])]
    photos = PhotoFiles.list_below(write_photos(tmp_path, *names))
    sample = SampleSubmission.read(write_csv(tmp_path / "s.csv", f"id,label;{ids.replace(';', ',0;')},0"))
    evidence = Evidence()
    report_test_photos(photos, TestLayout("test"), sample, evidence)
    assert len(evidence.doubts) == len(says), evidence.doubts
    assert all(words in doubt for words, doubt in zip(says, evidence.doubts, strict=True))
