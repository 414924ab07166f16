from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import pixels
from PIL import Image

from ensembler.images.augmentation import rand_augment as module
from ensembler.images.augmentation.rand_augment import (
    _OPERATIONS,
    FILL_COLOUR,
    MAX_STRENGTH,
    OPERATIONS_PER_PHOTO,
    rand_augment,
)

PHOTO = pixels(4, (32, 32))
BOTH_WAYS = ["saturation", "contrast", "brightness", "sharpness", "rotate", "shear_x", "shear_y"]


def done(name, strength, photo=PHOTO):
    return np.asarray(_OPERATIONS[name](Image.fromarray(photo), strength)).astype(float)


def test_the_list_is_that_of_the_paper():
    assert set(_OPERATIONS) == {
        *("identity", "autocontrast", "equalize", "rotate", "solarize", "saturation", "posterize", "contrast"),
        *("brightness", "sharpness", "shear_x", "shear_y", "translate_x", "translate_y"),
    }


@pytest.mark.parametrize("name", [*BOTH_WAYS, "identity", "posterize", "solarize", "translate_x", "translate_y"])
def test_an_operation_without_strength_is_none(name):
    np.testing.assert_allclose(done(name, 0), PHOTO, atol=1)


@pytest.mark.parametrize("name", [*BOTH_WAYS, "translate_x", "translate_y"])
def test_signs_are_directions(name):
    one, other = done(name, 0.5), done(name, -0.5)
    assert np.abs(one - other).mean() > 0.3


@pytest.mark.parametrize("name", ["solarize", "posterize"])
def test_operations_without_direction_know_no_sign(name):
    np.testing.assert_array_equal(done(name, 0.5), done(name, -0.5))


@pytest.mark.parametrize("name", [*BOTH_WAYS, "posterize", "solarize", "translate_x", "translate_y"])
def test_more_strength_changes_more(name):
    little, much = (np.abs(done(name, strength) - PHOTO).mean() for strength in (0.2, 0.6))
    assert 0 <= little < much


def shifted_by(found):
    """Rows and columns by which the bright square of `square` moved."""
    rows, columns = np.nonzero(found[..., 0] > 200)
    return rows.mean() - 15.5, columns.mean() - 15.5


def square():
    photo = np.full((32, 32, 3), FILL_COLOUR, np.uint8)
    photo[14:18, 14:18] = 255
    return photo


@pytest.mark.parametrize(
    ("name", "down", "right"),
    [
        ("translate_x", 0, -7.25),
        ("translate_y", -7.25, 0),
        ("rotate", 0, 0),
        ("shear_x", 0, 0),
        ("shear_y", 0, 0),
    ],
)
def test_the_middle_moves_by_translation_alone(name, down, right):
    # The paper's widest translation is 150 of 331 pixels.
    assert shifted_by(done(name, 0.5, square())) == pytest.approx((down, right), abs=0.6)


def test_solarize_inverts_what_is_bright():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    found = done("solarize", 0.5, ramp)[0, :, 0]
    assert found[:128].tolist() == list(range(128))
    assert found[128:].tolist() == list(range(127, -1, -1))


def test_posterize_keeps_the_highest_bits():
    assert set(np.unique(done("posterize", 1.0)).astype(int) % 16) == {0}


def test_two_operations_are_drawn_with_strengths_within_bounds(monkeypatch):
    drawn = []

    def noted(number):
        return lambda photo, strength: drawn.append((number, strength)) or photo

    monkeypatch.setattr(module, "_OPERATIONS", {str(number): noted(number) for number in range(14)})
    for seed in range(300):
        rand_augment(Image.fromarray(PHOTO), np.random.default_rng(seed))
    assert len(drawn) == 300 * OPERATIONS_PER_PHOTO
    assert {number for number, _ in drawn} == set(range(14))
    strengths = [strength for _, strength in drawn]
    assert -MAX_STRENGTH <= min(strengths) < -0.9 * MAX_STRENGTH
    assert 0.9 * MAX_STRENGTH < max(strengths) <= MAX_STRENGTH
