from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.answers_made import BINARY, DOGS

from ensembler.checks.leaks import MAX_CLASSES, TOGETHER, find_leaks
from ensembler.checks.photo_facts import PhotoFacts
from ensembler.checks.photos import Photo
from ensembler.competition.manifest import Manifest

PHOTOS = 300


def make_photos(labels: np.ndarray, seed: int, groups: np.ndarray | None = None) -> list[Photo]:
    """Photos whose files differ at random, from three cameras, with numbers as names."""
    random = np.random.default_rng(seed)
    photos = []
    for row, label in enumerate(labels):
        facts = PhotoFacts(
            file_bytes=int(random.lognormal(10, 0.5)),
            width=int(random.integers(300, 500)),
            height=int(random.integers(300, 500)),
            format="JPEG",
            mode=str(random.choice(["RGB", "L"])),
            tag=int(random.choice([0, 1, 6])),
            taken=float(random.uniform(1e9, 1.5e9)),
            camera=str(random.choice(["a", "b", "c"])),
            quantisation=float(random.choice([500, 700, 900])),
            modified=float(random.uniform(1e9, 1.5e9)),
        )
        group = "" if groups is None else str(groups[row])
        photos.append(Photo("train", str(row), f"photos/{random.integers(10**6)}.jpg", str(label), group, facts))
    return photos


def from_csv(manifest: Manifest) -> Manifest:
    return replace(manifest, train=replace(manifest.train, labels="csv", file="labels.csv", id_column="id"))


def test_shuffled_labels_raise_no_alarm() -> None:
    """Twenty seeds. A false alarm in one of a hundred checks is allowed; with an AUC of 0.7 or more it is rarer."""
    manifest = from_csv(BINARY)
    for seed in range(20):
        labels = np.random.default_rng(seed).choice(BINARY.classes, PHOTOS)
        found, clues = find_leaks(make_photos(labels, seed), manifest)
        assert found.findings == ()
        assert len(clues) > 10
        assert min(clue.p_value for clue in clues) > 0.01


@pytest.mark.parametrize("facts", ["file_bytes", "camera", "taken", "quantisation", "modified", "mode"])
def test_a_property_that_follows_the_label_is_a_leak(facts: str) -> None:
    labels = np.random.default_rng(1).choice(BINARY.classes, PHOTOS)
    names = {"file_bytes": "file size", "taken": "EXIF date", "quantisation": "JPEG quality", "modified": "file date"}
    photos = make_photos(labels, 0)
    values = {"file_bytes": (20_000, 21_000), "camera": ("a", "d"), "mode": ("RGB", "L")}.get(facts, (1.1e9, 1.2e9))
    # One photo of ten has the value of the other class.
    wrong = np.random.default_rng(2).random(PHOTOS) < 0.1
    photos = [
        replace(photo, facts=replace(photo.facts, **{facts: values[int((photo.label == BINARY.classes[1]) ^ swapped)]}))
        for photo, swapped in zip(photos, wrong, strict=True)
    ]
    found, clues = find_leaks(photos, from_csv(BINARY))
    [finding] = found.findings
    reported = [clue for clue in clues if clue.is_reported]
    # Where the file is larger, so are its bytes per pixel.
    assert {names.get(facts, facts)} <= {clue.name for clue in reported} <= {
        names.get(facts, facts), TOGETHER, *(["bytes per pixel"] if facts == "file_bytes" else [])
    }  # fmt: skip
    clue = next(clue for clue in reported if clue.name == names.get(facts, facts))
    assert clue.low < 0.9 < clue.high + 0.03
    assert finding.number == len(reported)
    assert names.get(facts, facts) in " ".join(finding.examples)
    assert "AUC of 0." in finding.summary


def test_a_table_that_is_sorted_by_label_is_a_leak_unless_labels_are_folders() -> None:
    labels = np.sort(np.random.default_rng(1).choice(BINARY.classes, PHOTOS))
    photos = make_photos(labels, 0)
    _, clues = find_leaks(photos, from_csv(BINARY))
    assert {"order of the table", TOGETHER} == {clue.name for clue in clues if clue.is_reported}
    found, clues = find_leaks(photos, replace(BINARY, train=replace(BINARY.train, labels="folders")))
    assert found.findings == ()
    assert "order of the table" not in {clue.name for clue in clues}
    assert "labels are read from folders" in found.left_out[0]


def test_a_clue_that_tells_only_the_group_is_none() -> None:
    """Each patient has a camera and one label, and there are too few patients to tell."""
    reported = 0
    for seed in range(5):
        groups = np.random.default_rng(seed).integers(12, size=PHOTOS)
        photos = make_photos(np.array(BINARY.classes)[groups % 2], seed, groups)
        photos = [replace(each, facts=replace(each.facts, camera=f"camera {each.group}")) for each in photos]
        reported += len(find_leaks(photos, from_csv(BINARY))[0].findings)
    assert reported == 0


def test_the_class_that_is_told_best_is_named_among_many() -> None:
    classes = tuple(f"breed {number:02}" for number in range(MAX_CLASSES + 3))
    manifest = replace(DOGS, task="multiclass", classes=classes)
    random = np.random.default_rng(0)
    labels = random.choice(classes, 2000)
    photos = make_photos(labels, 0)
    photos = [
        replace(each, facts=replace(each.facts, camera="d" if each.label == classes[7] else each.facts.camera))
        for each in photos
    ]
    found, clues = find_leaks(photos, from_csv(manifest))
    best = next(clue for clue in clues if clue.name == "camera")
    assert (best.target, best.is_reported) == (classes[7], True)
    assert best.area > 0.99 > 0.6 > best.mean_area
    assert f"Leaks were not looked for in 3 of {len(classes)} classes" in " ".join(found.left_out)


@pytest.mark.parametrize(
    ("manifest", "labels", "sentence"),
    [
        (replace(DOGS, train=replace(DOGS.train, labels="rotations")), ["0"] * 30, "learned in all rotations"),
        (BINARY, [BINARY.classes[0]] * 30, "no class has 10 training photos"),
        (BINARY, [*BINARY.classes] * 5, "no class has 10 training photos"),
    ],
)
def test_what_cannot_be_looked_for_is_said(manifest: Manifest, labels: list[str], sentence: str) -> None:
    found, clues = find_leaks(make_photos(np.array(labels), 0), manifest)
    assert (found.findings, clues) == ((), ())
    assert sentence in found.left_out[0]
