from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from ensembler.images.turning.tags import ORIENTATION_TAG, combine_with_turn, disagrees_with_pixels, read_tag

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def shown(tag):
    """What Pillow makes of pixels with a tag."""
    photo = Image.fromarray(PIXELS)
    photo.getexif()[ORIENTATION_TAG] = tag
    return np.asarray(ImageOps.exif_transpose(photo))


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_the_combined_tag_shows_the_photo_turned_clockwise(tag, angle):
    expected = np.rot90(shown(tag), -(angle // 90))
    assert np.array_equal(shown(combine_with_turn(tag, angle)), expected)


def test_a_photo_without_a_tag_is_turned_as_it_is_stored():
    assert combine_with_turn(None, 90) == 6


@pytest.mark.parametrize(
    ("tag", "angle", "disagrees"),
    [(None, 90, False), (1, 180, False), (6, 270, True), (6, 90, False), (6, 0, False), (8, 90, True), (3, 180, True)],
)
def test_a_tag_disagrees_where_it_alone_turns_the_photo(tag, angle, disagrees):
    assert disagrees_with_pixels(tag, angle) is disagrees


@pytest.mark.parametrize("tag", range(2, 9))
def test_a_tag_disagrees_by_the_angle_at_which_it_shows_upright_pixels(tag):
    rotations = {angle: np.rot90(PIXELS, angle // 90) for angle in (0, 90, 180, 270)}
    mirrored = {angle: np.rot90(np.fliplr(PIXELS), angle // 90) for angle in (0, 90, 180, 270)}
    [angle] = [
        angle for some in (rotations, mirrored) for angle, seen in some.items() if np.array_equal(seen, shown(tag))
    ]
    assert disagrees_with_pixels(tag, angle) is (angle != 0)


@pytest.mark.parametrize(("written", "tag"), [(None, None), (0, None), (9, None), (3, 3)])
def test_a_tag_that_no_viewer_follows_is_none(tmp_path, written, tag):
    photo = Image.new("RGB", (4, 3))
    exif = photo.getexif()
    if written is not None:
        exif[ORIENTATION_TAG] = written
    photo.save(tmp_path / "photo.jpg", exif=exif)
    with Image.open(tmp_path / "photo.jpg") as opened:
        assert read_tag(opened) == tag
