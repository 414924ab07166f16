from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ensembler.checks.photo_facts import COLOUR_NAMES, PhotoFacts
from ensembler.checks.photos import Photo
from ensembler.checks.shift import COLOURS, LEAST_IN_SET, NAMED, StoredFeatures, find_shift
from ensembler.progress import SILENT

TRAINED, TESTED = 180, 120


def make_photos(seed: int, trained: int = TRAINED, tested: int = TESTED) -> list[Photo]:
    random = np.random.default_rng(seed)
    return [
        Photo(
            "train" if row < trained else "test",
            str(row),
            f"{row}.jpg",
            "cat" if row < trained else "",
            "",
            PhotoFacts(
                file_bytes=int(random.lognormal(10, 0.5)),
                width=int(random.integers(300, 500)),
                height=int(random.integers(300, 500)),
                format="JPEG",
                mode="RGB",
                quantisation=500.0,
                colours=tuple(random.normal(100, 20, len(COLOUR_NAMES))),
            ),
        )
        for row in range(trained + tested)
    ]


def test_sets_that_are_alike_raise_no_alarm() -> None:
    for seed in range(2):
        photos, values = make_photos(seed), np.random.default_rng(seed).normal(size=(TRAINED + TESTED, 90))
        features = StoredFeatures("mobilenet", values, [photo.path for photo in photos])
        found, clues = find_shift(photos, features, SILENT)
        assert (found.findings, found.doubts, found.left_out) == ((), (), ())
        assert {COLOURS, "frozen features of mobilenet", "mean of red", "file size"} <= {clue.name for clue in clues}
        assert min(clue.p_value for clue in clues) > 0.01


def test_a_property_that_differs_drives_the_finding() -> None:
    photos = [
        replace(each, facts=replace(each.facts, width=each.facts.width + 120 * (each.set == "test")))
        for each in make_photos(0)
    ]
    found, clues = find_shift(photos, None, SILENT)
    [finding] = found.findings
    assert "the single property that tells most is the width" in finding.summary
    assert {"width", COLOURS} <= {clue.name for clue in clues if clue.is_reported}
    assert [doubt.set for doubt in found.doubts] == ["train"] * NAMED + ["test"] * NAMED
    widths = {each.id: each.facts.width for each in photos}
    unlike = {name: [widths[each.id] for each in found.doubts if each.set == name] for name in ("train", "test")}
    # Widths of training photos are 300 to 499, those of photos to predict 420 to 619.
    assert np.mean(unlike["train"]) > 430
    assert np.mean(unlike["test"]) < 490
    assert "no frozen features are stored" in found.left_out[0]


def test_frozen_features_tell_what_colours_do_not() -> None:
    photos, random = make_photos(1), np.random.default_rng(0)
    values = random.normal(size=(len(photos), 90))
    # Two photos to predict are not shifted, and so are least like the others.
    values[TRAINED:-2, :30] += 0.9
    features = StoredFeatures("mobilenet", values.astype(np.float32), [photo.path for photo in photos])
    # A photo that cannot be decoded any more has features, which are not used.
    del photos[0]
    found, clues = find_shift(photos, features, SILENT)
    reported = [clue.name for clue in clues if clue.is_reported]
    assert reported == ["frozen features of mobilenet"]
    assert "by frozen features of mobilenet" in found.findings[0].summary
    assert {photos[-1].id, photos[-2].id} <= {each.id for each in found.doubts if each.set == "test"}


@pytest.mark.parametrize(("trained", "tested"), [(40, LEAST_IN_SET - 1), (LEAST_IN_SET - 1, 40), (40, 0)])
def test_too_few_photos_are_not_compared(trained: int, tested: int) -> None:
    found, clues = find_shift(make_photos(0, trained, tested), None, SILENT)
    assert (found.findings, clues) == ((), ())
    assert "fewer than 20 readable photos" in found.left_out[0]
