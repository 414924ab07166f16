"""Random augmentation of one training photo."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..views import VIEWS, View
from . import Augmentation
from .erasing import erase_rectangle
from .pixel_changes import change_pixels
from .rand_augment import rand_augment


def augment_photo(
    source: NDArray[np.uint8] | Image.Image, augmentation: Augmentation, random: Generator
) -> NDArray[np.uint8]:
    """Augment a square photo, which is not changed.

    Parameters
    ----------
    source
        Pixels of shape (size, size, 3) from 0 to 255, or the same as an RGB image of Pillow, which saves a copy each
        way.
    augmentation
        Kind of augmentation. ``strong`` also mixes photos of a batch, see :func:`.mixing.mix`.
    random
        Random generator.

    Returns
    -------
    numpy.ndarray
        Pixels of shape (size, size, 3). Read-only, or those of ``source``, in some cases.
    """
    if augmentation == "none":
        return np.asarray(source)
    photo = Image.fromarray(source) if isinstance(source, np.ndarray) else source
    if augmentation == "crops":
        views = VIEWS["crops"]
        photo = apply_view(photo, views[random.integers(len(views))])
    elif augmentation == "pixels":
        photo = change_pixels(photo, random)
    else:
        if random.random() < 0.5:
            photo = ImageOps.mirror(photo)
        return erase_rectangle(np.asarray(rand_augment(photo, random)), random)
    return np.asarray(photo)


def apply_view(photo: Image.Image, view: View) -> Image.Image:
    """Crop a square photo to the view's corner, resize it to the photo's size, then mirror it."""
    if view.corner is not None:
        # Resizing with a box instead would use pixels outside the crop.
        cut = photo.crop(view.compute_box(photo.width))
        photo = cut.resize(photo.size, Image.Resampling.BILINEAR)
    return ImageOps.mirror(photo) if view.mirrored else photo
