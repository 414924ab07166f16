from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from helpers.photos import pixels, write_photo
from PIL import Image

from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sets.leaving_out import leave_out_others

SIZE = (48, 40)


def write(root: Path, folder: str, form: str = "photo", seed: int = 0, names: Iterable[str] = "012345") -> None:
    """Write a photo of each name, or its mask, grey copy or segmented copy."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        coloured = Image.fromarray(pixels(100 * seed + number, SIZE))
        shape = coloured.convert("L").point(lambda grey: 255 * (grey > 120))
        image = {
            "photo": coloured,
            "mask": shape,
            "grey": coloured.convert("L"),
            "segmented": Image.composite(coloured, Image.new("RGB", SIZE), shape),
        }[form]
        image.save(root / folder / f"{name}.png")


def left_out(root: Path) -> tuple[list[str], Evidence]:
    evidence = Evidence()
    photos, patterns = leave_out_others(PhotoFiles.list_below(root), (), evidence)
    assert photos.paths
    assert [file.path for file in evidence.unused] == list(patterns)
    return sorted(patterns), evidence


LAYOUTS = {
    "masks below classes": (
        [
            (f"{kind}/{part}", form, seed)
            for seed, kind in enumerate("abc")
            for part, form in (("images", "photo"), ("masks", "mask"))
        ],
        ["*/masks"],
    ),
    "masks of one class": ([("a/images", "photo", 0), ("a/masks", "mask", 0), ("b/images", "photo", 1)], ["a/masks"]),
    "classes below masks": (
        [
            (f"{part}/{kind}", form, seed)
            for seed, kind in enumerate("abc")
            for part, form in (("images", "photo"), ("segmentations", "mask"))
        ],
        ["segmentations"],
    ),
    "copies": (
        [
            (f"{part}/{kind}", form, seed)
            for seed, kind in enumerate("abc")
            for part, form in (("color", "photo"), ("grayscale", "grey"), ("segmented", "segmented"))
        ],
        ["grayscale", "segmented"],
    ),
    "masks of sets": (
        [("train", "photo", 0), ("train_masks", "mask", 0), ("test", "photo", 1), ("test_masks", "mask", 1)],
        ["test_masks", "train_masks"],
    ),
    "masks beside one folder": ([("images", "photo", 0), ("masks", "mask", 0)], ["masks"]),
    "classes with equal names": ([("train/a", "photo", 0), ("train/b", "photo", 1), ("test/a", "photo", 2)], []),
    "classes of drawings": ([("a", "mask", 0), ("b", "mask", 1)], []),
    "masked faces": ([("mask", "photo", 0), ("no_mask", "photo", 1)], []),
}


@pytest.mark.parametrize(("folders", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_other_kinds_of_pictures(tmp_path: Path, folders: list[tuple[str, str, int]], expected: list[str]) -> None:
    for folder, form, seed in folders:
        write(tmp_path, folder, form, seed)
    patterns, evidence = left_out(tmp_path)
    assert patterns == expected
    assert not evidence.doubts
    if not expected:
        return
    for path in PhotoFiles.list_below(tmp_path).paths:
        # JPEG blurs the few colours of a mask.
        Image.open(tmp_path / path).convert("RGB").save((tmp_path / path).with_suffix(".jpg"), quality=85)
        (tmp_path / path).unlink()
    assert left_out(tmp_path)[0] == expected


def test_two_folders_without_a_telling_name_may_be_classes(tmp_path: Path) -> None:
    write(tmp_path, "sharp")
    write(tmp_path, "soft", "grey")
    patterns, evidence = left_out(tmp_path)
    assert not patterns
    assert evidence.doubts == [
        "soft is taken for a class, but its pictures show those of sharp in another form: if it is none, leave it out "
        "with `--leave-out soft`."
    ]


def test_names_of_copies_with_other_pictures_are_a_doubt(tmp_path: Path) -> None:
    for seed, folder in enumerate(("a/images", "a/segmented", "b/images", "b/segmented")):
        write(tmp_path, folder, seed=seed)
    patterns, evidence = left_out(tmp_path)
    assert not patterns
    assert evidence.doubts[0].startswith("The photos in folders segmented have the names of those in images, but")


def test_masks_beside_their_photos(tmp_path: Path) -> None:
    for seed, kind in enumerate(("benign", "normal")):
        write(tmp_path, kind, seed=seed, names=[f"{kind} ({number})" for number in range(4)])
        write(tmp_path, kind, "mask", seed, [f"{kind} ({number})_mask" for number in range(4)])
    write(tmp_path, "benign", "mask", 0, ["benign (2)_mask_1"])
    assert left_out(tmp_path)[0] == ["*_mask*.png"]


def test_photos_named_like_masks_are_photos(tmp_path: Path) -> None:
    write(tmp_path, "a", names=["1", "1_mask", "2_mask", "2"])
    assert left_out(tmp_path)[0] == []


@pytest.mark.parametrize(("top", "inner"), [("flowers", "flowers/flowers"), (".", "IDC")])
def test_folders_that_are_there_twice(tmp_path: Path, top: str, inner: str) -> None:
    for folder in (top, inner):
        for seed, kind in enumerate("ab"):
            write(tmp_path, f"{folder}/{kind}", seed=seed)
    assert left_out(tmp_path)[0] == [inner]
    write_photo(tmp_path / inner / "a" / "0.png", 7, (99, 99))
    assert left_out(tmp_path)[0] == []
