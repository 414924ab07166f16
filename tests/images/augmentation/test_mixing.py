from __future__ import annotations

import numpy as np
import pytest

from ensembler.images.augmentation.mixing import MIX_PROBABILITY, cutmix, mix, mixup

DARK, BRIGHT = np.full((20, 20, 3), 10, np.uint8), np.full((20, 20, 3), 210, np.uint8)


def randoms(count):
    return map(np.random.default_rng, range(count))


def mixed(function, photo, *arguments):
    """Return a changed copy and what the function returns."""
    changed = photo.copy()
    return changed, function(changed, *arguments)


def test_mixup_gives_each_pixel_the_shares_of_the_labels():
    shares = []
    for random in randoms(200):
        pixels, share = mixed(mixup, DARK, BRIGHT, random)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, np.rint(share * 10.0 + (1 - share) * 210.0))
        shares.append(share)
    assert min(shares) >= 0.5
    assert min(shares) < 0.6
    assert max(shares) > 0.99


def test_mixup_of_a_photo_with_itself_is_that_photo():
    photo = np.random.default_rng(0).integers(256, size=(8, 8, 3), dtype=np.uint8)
    for random in randoms(20):
        np.testing.assert_array_equal(mixed(mixup, photo, photo, random)[0], photo)


def test_cutmix_pastes_a_rectangle_and_counts_what_it_pasted():
    shares = []
    for random in randoms(200):
        pixels, share = mixed(cutmix, DARK, BRIGHT, random)
        pasted = (pixels == 210).all(axis=2)
        assert ((pixels == 10).all(axis=2) | pasted).all()
        assert share == pytest.approx(1 - pasted.mean())
        rows, columns = pasted.any(axis=1), pasted.any(axis=0)
        np.testing.assert_array_equal(pasted, rows[:, None] & columns[None, :])
        shares.append(share)
    assert min(shares) < 0.2
    assert max(shares) > 0.95


def test_cutmix_takes_the_partner_from_the_same_place():
    photo = np.random.default_rng(0).integers(256, size=(8, 8, 3), dtype=np.uint8)
    for random in randoms(20):
        np.testing.assert_array_equal(mixed(cutmix, photo, photo, random)[0], photo)


@pytest.mark.parametrize("outputs", [1, 3, 64])
def test_labels_are_mixed_as_the_pixels_are(outputs):
    # Each photo has one value, its row; two mixed rows can be told from the pixels, and so can their shares.
    pixels = np.repeat(np.arange(64, dtype=np.uint8) * 4, 12 * 12 * 3).reshape(64, 12, 12, 3)
    targets = np.random.default_rng(0).random((64, outputs), np.float32)
    after, soft = mixed(mix, pixels, targets, np.random.default_rng(1))
    assert (soft.dtype, soft.shape) == (np.float32, targets.shape)
    partners = np.random.default_rng(1).permutation(64)
    for row, partner in enumerate(partners):
        if row == partner:
            continue
        share = (after[row].mean(dtype=float) / 4 - partner) / (row - partner)
        # Pixels are rounded, so near neighbours tell their shares roughly.
        rough = 0.2 / abs(row - partner)
        expected = share * targets[row] + (1 - share) * targets[partner]
        np.testing.assert_allclose(soft[row], expected, atol=rough + 1e-3)


def test_about_half_of_the_photos_are_mixed_and_each_is_a_partner_once():
    pixels = np.random.default_rng(0).integers(256, size=(400, 2, 2, 3), dtype=np.uint8)
    soft = mix(pixels, np.eye(400, dtype=np.float32), np.random.default_rng(2))
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)
    changed = np.flatnonzero(soft.diagonal() < 1)
    # MixUp's shares are often so near to 1 that nothing is left to see, and so are CutMix's in four pixels.
    assert 0.5 * MIX_PROBABILITY < len(changed) / 400 < MIX_PROBABILITY + 0.08
    partners = soft - np.diag(soft.diagonal())
    assert ((partners > 0).sum(axis=1) <= 1).all()
    assert ((partners > 0).sum(axis=0) <= 1).all()


def test_targets_stay_and_a_photo_alone_is_not_mixed():
    pixels = np.random.default_rng(0).integers(256, size=(8, 4, 4, 3), dtype=np.uint8)
    targets = np.eye(8, dtype=np.float32)
    mix(pixels.copy(), targets, np.random.default_rng(0))
    np.testing.assert_array_equal(targets, np.eye(8))
    for random in randoms(10):
        alone, target = mixed(mix, pixels[:1], targets[:1], random)
        np.testing.assert_array_equal(alone, pixels[:1])
        np.testing.assert_array_equal(target, targets[:1])
