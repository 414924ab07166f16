from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import pixels
from PIL import Image

from ensembler.images.augmentation.photos import apply_view
from ensembler.images.views import VIEWS, View

PHOTO = pixels(3, (16, 16))


def seen(view):
    return np.asarray(apply_view(Image.fromarray(PHOTO), view))


def test_the_whole_photo_stays_as_it_is():
    np.testing.assert_array_equal(seen(View()), PHOTO)


@pytest.mark.parametrize(
    ("corner", "kept"),
    [
        ((0, 0), PHOTO[:14, :14]),
        ((0, 1), PHOTO[:14, 2:]),
        ((1, 0), PHOTO[2:, :14]),
        ((1, 1), PHOTO[2:, 2:]),
    ],
)
def test_a_corner_is_cut_out_and_enlarged(corner, kept):
    expected = Image.fromarray(np.ascontiguousarray(kept)).resize((16, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(seen(View(corner)), np.asarray(expected))


@pytest.mark.parametrize("view", [view for view in VIEWS["crops"] if view.mirrored], ids=str)
def test_a_mirrored_view_is_the_other_one_turned_round(view):
    np.testing.assert_array_equal(seen(view), seen(View(view.corner))[:, ::-1])


def test_nothing_beyond_the_cut_comes_in():
    photo = np.zeros((16, 16, 3), np.uint8)
    photo[14:], photo[:, 14:] = 255, 255
    assert not np.asarray(apply_view(Image.fromarray(photo), View((0, 0)))).any()
