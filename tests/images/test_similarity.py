from __future__ import annotations

import numpy as np
import pytest
from helpers.copies_made import COPIES, scene
from PIL import Image

from ensembler.images.near_duplicates import MIN_DETAIL_CORRELATION, MIN_PIXEL_CORRELATION
from ensembler.images.similarity import align_cut, compute_colour_similarity, compute_similarity, make_thumbnail


def grey(photo: Image.Image) -> np.ndarray:
    return np.asarray(make_thumbnail(photo).grey, dtype=np.float32)[None]


def test_a_photo_is_like_itself_in_other_light() -> None:
    pixels, details = compute_similarity(grey(scene(0)), 0.5 * grey(scene(0)) + 20)
    assert (pixels[0], details[0]) == (pytest.approx(1), pytest.approx(1))


def test_skies_are_alike_but_for_their_details() -> None:
    random = np.random.default_rng(0)
    light = np.linspace(20, 220, 32)[None, :, None] * np.ones((1, 1, 32))
    one, other = ((light + random.normal(0, 5, (1, 32, 32))).astype(np.float32) for _ in range(2))
    pixels, details = compute_similarity(one, other)
    assert pixels[0] > MIN_PIXEL_CORRELATION
    assert details[0] < MIN_DETAIL_CORRELATION


def test_a_cut_photo_fits_once_it_is_laid_over_the_whole() -> None:
    whole, cut = grey(scene(0)), grey(COPIES["cut by 4 %"](scene(0)))
    before, after = compute_similarity(whole, cut), compute_similarity(align_cut(whole, cut), cut)
    assert before[0][0] < MIN_PIXEL_CORRELATION < after[0][0]
    assert after[1][0] > MIN_DETAIL_CORRELATION
    strange = grey(scene(1))
    assert compute_similarity(align_cut(whole, strange), strange)[0][0] < 0.7


def test_hues() -> None:
    hues = ((200, 50, 50), (50, 50, 200), (90, 93, 91))
    red, blue, nearly_grey = (np.full((1, 8, 8, 3), hue, np.float32) for hue in hues)
    assert compute_colour_similarity(red, 0.5 * red)[0] == pytest.approx(1)
    assert compute_colour_similarity(red, blue)[0] == pytest.approx(0, abs=1e-6)
    assert compute_colour_similarity(red, nearly_grey)[0] == 1
