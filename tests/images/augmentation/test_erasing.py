from __future__ import annotations

import numpy as np

from ensembler.images.augmentation.erasing import AREA_SHARES, PROBABILITY, erase_rectangle

PHOTO = np.full((40, 40, 3), 7, np.uint8)


def versions(count):
    return np.stack([erase_rectangle(PHOTO, np.random.default_rng(seed)) for seed in range(count)])


def erased(count=400):
    """Where photos of one colour have another one now."""
    return list((versions(count) != PHOTO).any(axis=3))


def box(mask):
    rows, columns = np.nonzero(mask)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_some_photos_lose_one_rectangle_of_the_area_asked_for():
    masks = [mask for mask in erased() if mask.any()]
    assert PROBABILITY - 0.08 < len(masks) / 400 < PROBABILITY + 0.08
    shares = []
    for mask in masks:
        top, bottom, left, right = box(mask)
        # Noise may hit the old colour by chance, but not in all three channels of many pixels.
        assert mask[top:bottom, left:right].mean() > 0.98
        shares.append((bottom - top) * (right - left) / mask.size)
    assert 0.8 * AREA_SHARES[0] < min(shares) < 0.04
    assert 0.8 * AREA_SHARES[1] < max(shares) < 1.2 * AREA_SHARES[1]


def test_rectangles_lie_everywhere():
    hit = np.any(erased(), axis=0)
    assert hit.any(axis=0).all()
    assert hit.any(axis=1).all()


def test_the_rectangle_is_noise_over_the_whole_range():
    photos = versions(100)
    values = photos[photos != 7]
    assert (values.min(), values.max()) == (0, 255)
    assert 120 < values.mean() < 135
