from __future__ import annotations

import hashlib
import platform
from collections import Counter
from typing import get_args

import numpy as np
import PIL
import pytest
from helpers.photos import pixels
from PIL import Image

from ensembler.images.augmentation import Augmentation
from ensembler.images.augmentation.mixing import mix
from ensembler.images.augmentation.photos import apply_view, augment_photo
from ensembler.images.views import VIEWS

KINDS = get_args(Augmentation)
PHOTO = pixels(5, (16, 16))
# A photo of one colour, and photos so small that a rectangle or a blur may be nothing.
ODD = {
    "black": np.zeros((8, 8, 3), np.uint8),
    "white": np.full((8, 8, 3), 255, np.uint8),
    "one pixel": np.full((1, 1, 3), 7, np.uint8),
    "two pixels": pixels(1, (2, 2)),
}


def versions(augmentation, count, photo=PHOTO):
    return [augment_photo(photo, augmentation, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("augmentation", KINDS)
def test_the_numbers_drawn_decide_everything(augmentation):
    for one, other in zip(versions(augmentation, 20), versions(augmentation, 20), strict=True):
        np.testing.assert_array_equal(one, other)
        assert (one.shape, one.dtype) == (PHOTO.shape, np.uint8)


@pytest.mark.skipif(
    not PIL.__version__.startswith("13.") or platform.machine() != "x86_64",
    reason="other versions and processors may round otherwise",
)
def test_a_seed_gives_the_same_bits_in_every_version_of_the_package():
    # An epoch that was interrupted before an update of the package continues with the same photos.
    colours = np.add.outer(np.add.outer(np.arange(48) * 3, np.arange(48) * 2), [0, 40, 90]).astype(np.uint8)
    plain = [np.rot90(colours, number % 4) ^ np.uint8(number) for number in range(64)]
    photos = np.stack([augment_photo(photo, "strong", np.random.default_rng(row)) for row, photo in enumerate(plain)])
    assert hashlib.sha256(photos.tobytes()).hexdigest()[:16] == "ca40213e48537c33"
    targets = mix(photos, np.eye(64, dtype=np.float32), np.random.default_rng(5))
    assert hashlib.sha256(photos.tobytes()).hexdigest()[:16] == "6d0765c96f961d68"
    assert hashlib.sha256(targets.tobytes()).hexdigest()[:16] == "f5dab7ed5ec3e9da"


@pytest.mark.parametrize("augmentation", KINDS)
def test_an_image_of_pillow_gives_the_same_and_is_not_changed(augmentation):
    image = Image.fromarray(PHOTO)
    for seed, version in enumerate(versions(augmentation, 30)):
        np.testing.assert_array_equal(augment_photo(image, augmentation, np.random.default_rng(seed)), version)
    np.testing.assert_array_equal(image, PHOTO)


def test_none_changes_nothing():
    assert all((version == PHOTO).all() for version in versions("none", 10))


def test_crops_are_the_views_of_prediction_each_as_often():
    views = [np.asarray(apply_view(Image.fromarray(PHOTO), view)).tobytes() for view in VIEWS["crops"]]
    found = Counter(version.tobytes() for version in versions("crops", 1000))
    assert set(found) == set(views)
    assert len(views) == 10
    assert all(60 < count < 140 for count in found.values())


@pytest.mark.parametrize(("augmentation", "share"), [("pixels", 0.9), ("strong", 0.9)])
def test_nearly_every_version_is_another(augmentation, share):
    assert len({version.tobytes() for version in versions(augmentation, 100)}) > 100 * share


def test_strong_mirrors_half_of_the_photos():
    photo = np.zeros((16, 16, 3), np.uint8)
    photo[:, :8] = 200
    brighter_left = [version[:, :8].mean() > version[:, 8:].mean() for version in versions("strong", 400, photo)]
    assert 0.3 < np.mean(brighter_left) < 0.7


@pytest.mark.parametrize("augmentation", KINDS)
def test_photos_in_memory_stay_as_they_are(augmentation):
    photo = PHOTO.copy()
    photo.flags.writeable = False
    versions(augmentation, 50, photo)
    np.testing.assert_array_equal(photo, PHOTO)


@pytest.mark.parametrize("augmentation", KINDS)
@pytest.mark.parametrize("name", ODD)
def test_odd_photos_do_no_harm(augmentation, name):
    assert {version.shape for version in versions(augmentation, 60, ODD[name])} == {ODD[name].shape}
