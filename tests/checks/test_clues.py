from __future__ import annotations

import numpy as np
import pytest

from ensembler.checks.clues import list_file_clues, list_modified_clue, list_name_clues
from ensembler.checks.photo_facts import PhotoFacts
from ensembler.checks.photos import Photo


def make_photos(paths: list[str], labels: list[str] | None = None, **facts: list[float]) -> list[Photo]:
    rows = [{name: values[place] for name, values in facts.items()} for place in range(len(paths))]
    plain = {"width": 100, "height": 80, "file_bytes": 5000, "format": "JPEG", "mode": "RGB"}
    return [
        Photo("train", path, path, label, "", PhotoFacts(**{**plain, **row}))  # type: ignore[arg-type]
        for path, label, row in zip(paths, labels or ["cat"] * len(paths), rows, strict=True)
    ]


def test_properties_that_all_photos_share_are_no_clues() -> None:
    photos = make_photos([f"{number}.jpg" for number in range(40)], file_bytes=list(range(1000, 1040)))
    assert [each.name for each in list_file_clues(photos)] == ["file size", "bytes per pixel"]


def test_dates_that_are_unknown_are_no_clue() -> None:
    photos = make_photos([f"{number}.jpg" for number in range(40)], modified=[float("nan")] * 40)
    assert list_modified_clue(photos) == []


@pytest.mark.parametrize(("days", "names"), [(0.2, []), (1, []), (30, ["file date"])])
def test_dates_of_copying_are_no_clue(days: float, names: list[str]) -> None:
    times = list(1.7e9 + np.linspace(0, days * 86400, 40))
    photos = make_photos([f"{number}.jpg" for number in range(40)], modified=times)
    assert [each.name for each in list_modified_clue(photos)] == names


@pytest.mark.parametrize(
    ("source", "paths", "tests", "names"),
    [
        ("names", ["a/cat.1.jpg", "a/cat.2.jpg", "a/dog.1.jpg", "a/dog.2.jpg"], ["1.jpg"], []),
        # Each class counts its photos: the numbers follow from the folders.
        ("folders", ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg"], ["1.jpg"], []),
        ("folders", ["cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg"], ["5.jpg"], ["number in the name"]),
        # A word is a clue if photos to predict have it too.
        ("folders", ["cat/cat.jpg", "cat/cat2.jpg", "dog/dog.jpg", "dog/dog2.jpg"], ["5.jpg"], []),
        ("folders", ["cat/siteA_x.jpg", "cat/siteA_y.jpg", "dog/siteA_z.jpg", "dog/q.jpg"], ["siteA_t.jpg"], ["words"]),
        ("csv", ["x/ab.jpg", "x/ac.jpg", "x/ad.jpg", "x/ae.jpg"], [], ["order of the table"]),
        ("csv", ["x/ab.jpg", "x/ac.jpg", "y/ad.jpg", "y/ae.jpg"], [], ["folder", "order of the table"]),
    ],
)
def test_names_are_clues_where_they_are_not_the_label(
    source: str, paths: list[str], tests: list[str], names: list[str]
) -> None:
    labels = ["cat", "cat", "dog", "dog"] * 10
    # Ten of each, so that a bin of numbers and a word have photos enough.
    many = [
        path.replace(".jpg", f"{'' if source != 'csv' else 'q' * copy}.jpg") for copy in range(10) for path in paths
    ]
    found = list_name_clues(make_photos(many, labels), source, make_photos(tests))  # type: ignore[arg-type]
    assert [each.name for each in found] == [name.replace("words", "words of the name") for name in names]
