from __future__ import annotations

import colorsys

import numpy as np
import pytest
from helpers.photos import pixels
from PIL import Image

from ensembler.images.augmentation.pixel_changes import CHANGES, change_pixels

# Large shapes with a grain.
PHOTO = pixels(2, (64, 64)) // 2 + np.random.default_rng(0).integers(128, size=(64, 64, 3), dtype=np.uint8) // 2 + 32
NEUTRAL = {
    "brightness": 1,
    "contrast": 1,
    "gamma": 1,
    "saturation": 1,
    "blur": 0,
    "noise": 0,
    "dropout": 0,
}


def changed(name, strength, photo=PHOTO, seed=0):
    after = CHANGES[name].apply(Image.fromarray(photo), strength, np.random.default_rng(seed))
    return np.asarray(after).astype(float)


def flat(*colour):
    return np.full((16, 16, 3), colour, np.uint8)


@pytest.mark.parametrize("name", NEUTRAL)
def test_a_change_without_strength_is_none(name):
    np.testing.assert_allclose(changed(name, NEUTRAL[name]), PHOTO, atol=1)


@pytest.mark.parametrize(
    ("name", "strength", "before", "after"),
    [
        ("brightness", 0.7, (100, 50, 200), (70, 35, 140)),
        ("brightness", 1.3, (100, 50, 200), (130, 65, 255)),
        ("gamma", 0.7, (0, 128, 255), (0, 157, 255)),
        ("gamma", 1.4, (0, 128, 255), (0, 97, 255)),
        ("saturation", 0.0, (100, 100, 100), (100, 100, 100)),
        # Luma of red by ITU-R 601 is 0.299.
        ("saturation", 0.0, (200, 0, 0), (60, 60, 60)),
        ("hue", 1 / 3, (200, 0, 0), (0, 200, 0)),
        ("hue", -1 / 3, (200, 0, 0), (0, 0, 200)),
        ("hue", 0.05, (90, 90, 90), (90, 90, 90)),
        ("blur", 0.01, (10, 20, 30), (10, 20, 30)),
    ],
)
def test_a_colour_becomes_another(name, strength, before, after):
    np.testing.assert_allclose(changed(name, strength, flat(*before)), flat(*after), atol=3)


def test_hue_turns_as_in_the_circle_of_hues():
    before, after = (colorsys.rgb_to_hsv(*(changed("hue", turn, flat(180, 120, 60))[0, 0] / 255)) for turn in (0, 0.05))
    assert after[0] - before[0] == pytest.approx(0.05, abs=0.01)
    assert after[1:] == pytest.approx(before[1:], abs=0.02)


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_contrast_widens_or_narrows_about_the_mean(factor):
    photo = np.clip(PHOTO, 90, 160)
    found = changed("contrast", factor, photo)
    assert found.std() == pytest.approx(factor * photo.std(), rel=0.05)
    assert found.mean() == pytest.approx(photo.mean(), abs=5)


def test_blur_smooths():
    grain = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    deviations = [changed("blur", share, grain).std() for share in (0.0, 0.004, 0.008, 0.016)]
    assert deviations == sorted(deviations, reverse=True)
    assert deviations[-1] < 0.6 * deviations[0]


@pytest.mark.parametrize("deviation", [4, 16])
def test_noise_is_as_strong_as_asked_for_and_has_no_bias(deviation):
    added = changed("noise", deviation, np.full((64, 64, 3), 128, np.uint8)) - 128
    assert added.std() == pytest.approx(deviation, rel=0.05)
    assert abs(added.mean()) < 0.05 * deviation


def test_noise_ends_at_black_and_white():
    found = changed("noise", 30, flat(0, 255, 128))
    assert found[..., 0].max() < 128 < found[..., 1].min()
    assert (found[..., 0] == 0).mean() == pytest.approx(0.5, abs=0.15)
    assert (found[..., 1] == 255).mean() == pytest.approx(0.5, abs=0.15)


def test_dropout_turns_whole_pixels_black_and_leaves_the_others():
    photo = np.clip(PHOTO, 1, 255)
    found = changed("dropout", 0.04, photo)
    gone = (found == 0).all(axis=2)
    assert 0.03 < gone.mean() <= 0.04
    np.testing.assert_array_equal(found[~gone], photo[~gone])


def test_jpeg_costs_more_at_lower_quality():
    losses = [np.abs(changed("jpeg", quality) - PHOTO).mean() for quality in (90, 60, 30)]
    assert 0 < losses[0] < losses[1] < losses[2] < 20


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("end", ["min_strength", "max_strength"])
def test_strengths_can_be_seen_but_leave_the_photo_recognisable(name, end):
    found = changed(name, getattr(CHANGES[name], end))
    assert 0.2 < np.abs(found - PHOTO).mean() < 50
    assert np.corrcoef(found.ravel(), PHOTO.ravel())[0, 1] > 0.7


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("end", ["min_strength", "max_strength"])
def test_nothing_moves(name, end):
    rows = np.repeat(np.random.default_rng(1).integers(40, 216, (16, 16), dtype=np.uint8), 4, axis=0)
    photo = np.repeat(np.repeat(rows, 4, axis=1)[..., None], 3, axis=2)
    found = changed(name, getattr(CHANGES[name], end), photo)
    alike = {
        (down, right): np.corrcoef(np.roll(found, (down, right), (0, 1)).ravel(), photo.ravel())[0, 1]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    assert max(alike, key=alike.get) == (0, 0)


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_made_as_often_as_it_says(name, monkeypatch):
    made = []
    probability = CHANGES[name].probability

    def noted(photo, strength, random):
        made.append(strength)
        return photo

    monkeypatch.setitem(CHANGES, name, type(CHANGES[name])(noted, probability, 2.0, 3.0))
    for seed in range(200):
        change_pixels(Image.fromarray(PHOTO[:4, :4]), np.random.default_rng(seed))
    assert probability - 0.11 < len(made) / 200 < probability + 0.11
    assert 2 <= min(made) < 2.2
    assert 2.8 < max(made) <= 3
