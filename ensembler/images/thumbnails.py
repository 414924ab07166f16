"""Photos so small that all of a competition fit into memory side by side, to be compared with each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .perceptual_hash import GREY_SIDE

# Height and width of the coloured one: colours are no matter of detail.
COLOUR_SIDE = 8


class Thumbnail(NamedTuple):
    """A photo as 32 x 32 grey and 8 x 8 coloured pixels, values 0 to 255, whatever its shape was."""

    grey: NDArray[np.uint8]
    colour: NDArray[np.uint8]


def make_thumbnail(photo: Image.Image) -> Thumbnail | None:
    """Make a photo small; None if it is smaller already, so that it has too little in it to be told from others."""
    if min(photo.size) < GREY_SIDE:
        return None
    # Whole pixels are averaged first, which is many times as fast on large photos.
    small = photo.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    colour = small.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    return Thumbnail(np.asarray(small.convert("L")), np.asarray(colour))
