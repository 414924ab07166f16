"""Augmentation of one training photo at random."""

from __future__ import annotations

from collections.abc import Callable

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
    """Change one photo, of shape (size, size, 3) and values from 0 to 255, which stays as it is.

    Of ``strong``, this is the part that looks at one photo alone; :func:`.mixing.mix` is the other.
    """
    if augmentation == "none":
        return pixels
    return np.asarray(_AUGMENTATIONS[augmentation](Image.fromarray(pixels), random))


def apply_view(photo: Image.Image, view: View) -> Image.Image:
    """Crop a square photo to the view's corner, resize it to the photo's size, then mirror it."""
    if view.corner is not None:
        # Crop first: resizing with a box would use pixels outside the crop.
        cut = photo.crop(view.compute_box(photo.width))
        photo = cut.resize(photo.size, Image.Resampling.BILINEAR)
    return ImageOps.mirror(photo) if view.mirrored else photo


def _crop(photo: Image.Image, random: Generator) -> Image.Image:
    views = VIEWS["crops"]
    return apply_view(photo, views[random.integers(len(views))])


def _augment_strongly(photo: Image.Image, random: Generator) -> Image.Image:
    if random.random() < 0.5:
        photo = ImageOps.mirror(photo)
    return random_erasing(rand_augment(photo, random), random)


_AUGMENTATIONS: dict[Augmentation, Callable[[Image.Image, Generator], Image.Image]] = {
    "crops": _crop,
    "pixels": change_pixels,
    "strong": _augment_strongly,
}
