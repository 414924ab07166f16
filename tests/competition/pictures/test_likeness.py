from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.photos import pixels
from PIL import Image

from ensembler.competition.pictures.likeness import Look, are_versions, have_few_colours, look_at

SIZE = (64, 48)


def look(image: Image.Image, path: Path) -> Look:
    image.save(path)
    found = look_at(path)
    assert found
    return found


def scene(seed: int) -> Image.Image:
    return Image.fromarray(pixels(seed, SIZE))


def shape(seed: int) -> Image.Image:
    return scene(seed).convert("L").point(lambda grey: 255 * (grey > 120))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize(
    ("picture", "is_mask"),
    [
        (scene(1), False),
        (scene(1).convert("L"), False),
        (shape(1), True),
        (shape(1).convert("RGB"), True),
        (Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)), False),
    ],
)
def test_few_colours(tmp_path: Path, suffix: str, picture: Image.Image, *, is_mask: bool) -> None:
    found = look(picture, tmp_path / f"1.{suffix}")
    assert found.has_few_colours is is_mask
    assert found.is_grey is (picture.mode == "L" or is_mask)


def test_most_pictures_decide(tmp_path: Path) -> None:
    masks = [look(shape(seed), tmp_path / "1.png") for seed in range(4)]
    photos = [look(scene(seed), tmp_path / "1.png") for seed in range(4)]
    assert have_few_colours([*masks, photos[0]])
    assert not have_few_colours([*masks, *photos[:2]])
    assert not have_few_colours([])


@pytest.mark.parametrize(
    ("form", "are_alike"),
    [
        (lambda image, seed: image.convert("L"), True),
        (lambda image, seed: image.resize((30, 22)), True),
        (lambda image, seed: Image.composite(image, Image.new("RGB", SIZE), shape(seed)), True),
        (lambda image, seed: scene(seed + 50), False),
        (lambda image, seed: scene(0), False),
        (lambda image, seed: Image.new("RGB", SIZE), False),
    ],
)
def test_versions_of_one_picture(tmp_path: Path, form, are_alike: bool) -> None:  # type: ignore[no-untyped-def]
    originals = [look(scene(seed), tmp_path / "1.jpg") for seed in range(5)]
    others = [look(form(scene(seed), seed), tmp_path / "1.jpg") for seed in range(5)]
    assert are_versions(originals, others) is are_alike
    assert are_versions(others, originals) is are_alike
    assert not are_versions(originals[:1], others[:1])


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff not a photo", b"\x89PNG\r\n\x1a\n"])
def test_a_picture_that_cannot_be_decoded(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.png").write_bytes(content)
    assert look_at(tmp_path / "1.png") is None
    assert look_at(tmp_path / "missing.png") is None
