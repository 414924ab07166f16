"""Random augmentation of one training photo."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..views import VIEWS, View
from . import Augmentation
from .erasing import random_erasing
from .pixel_changes import change_pixels
from .rand_augment import rand_augment


def augment_photo(pixels: NDArray[np.uint8], augmentation: Augmentation, random: Generator) -> NDArray[np.uint8]:
    """Augment a photo of shape (size, size, 3) from 0 to 255, which is not changed.

    ``strong`` also mixes photos of a batch, see :func:`.mixing.mix`.
    """
    if augmentation == "none":
        return pixels
    photo = Image.fromarray(pixels)
    if augmentation == "crops":
        views = VIEWS["crops"]
        photo = apply_view(photo, views[random.integers(len(views))])
    elif augmentation == "pixels":
        photo = change_pixels(photo, random)
    else:
        if random.random() < 0.5:
            photo = ImageOps.mirror(photo)
        photo = random_erasing(rand_augment(photo, random), random)
    return np.asarray(photo)


def apply_view(photo: Image.Image, view: View) -> Image.Image:
    """Crop a square photo to the view's corner, resize it to the photo's size, then mirror it."""
    if view.corner is not None:
        # Resizing with a box instead would use pixels outside the crop.
        cut = photo.crop(view.compute_box(photo.width))
        photo = cut.resize(photo.size, Image.Resampling.BILINEAR)
    return ImageOps.mirror(photo) if view.mirrored else photo
