"""RandAugment, which applies random operations of a fixed list (Cubuk et al., RandAugment, 2020).

The list and the scale of strengths are the paper's. According to it, smaller data sets and networks need less than the
strength 9 of 10 for a ResNet-50 on ImageNet, and random strengths are as good as a constant one.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator
from PIL import Image, ImageEnhance, ImageOps

# Number of operations per photo.
OPERATIONS_PER_PHOTO = 2
# Largest strength as a share of the paper's 10. Beyond it, some photos are too dark or too far shifted to recognise.
MAX_STRENGTH = 0.6
BILINEAR = Image.Resampling.BILINEAR
# Colour beyond the edge of the photo.
FILL_COLOUR = (128, 128, 128)


def rand_augment(photo: Image.Image, random: Generator) -> Image.Image:
    """Apply random operations, each with a random strength."""
    operations = list(_OPERATIONS.values())
    for chosen in random.integers(len(operations), size=OPERATIONS_PER_PHOTO):
        photo = operations[chosen](photo, random.uniform(-MAX_STRENGTH, MAX_STRENGTH))
    return photo


def _apply_affine(photo: Image.Image, coefficients: tuple[float, ...]) -> Image.Image:
    return photo.transform(photo.size, Image.Transform.AFFINE, coefficients, BILINEAR, fillcolor=FILL_COLOUR)


# Functions of a photo and a strength from -1 to 1. Some operations ignore the sign.
_OPERATIONS: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda photo, _: photo,
    "autocontrast": lambda photo, _: ImageOps.autocontrast(photo),
    "equalize": lambda photo, _: ImageOps.equalize(photo),
    "solarize": lambda photo, strength: ImageOps.solarize(photo, round(256 * (1 - abs(strength)))),
    "posterize": lambda photo, strength: ImageOps.posterize(photo, 8 - round(4 * abs(strength))),
    "saturation": lambda photo, strength: ImageEnhance.Color(photo).enhance(1 + 0.9 * strength),
    "contrast": lambda photo, strength: ImageEnhance.Contrast(photo).enhance(1 + 0.9 * strength),
    "brightness": lambda photo, strength: ImageEnhance.Brightness(photo).enhance(1 + 0.9 * strength),
    "sharpness": lambda photo, strength: ImageEnhance.Sharpness(photo).enhance(1 + 0.9 * strength),
    "rotate": lambda photo, strength: photo.rotate(30 * strength, BILINEAR, fillcolor=FILL_COLOUR),
    # Shearing is centred, so that the middle of the photo stays in view.
    "shear_x": lambda photo, strength: _apply_affine(
        photo, (1, 0.3 * strength, -0.15 * strength * photo.height, 0, 1, 0)
    ),
    "shear_y": lambda photo, strength: _apply_affine(
        photo, (1, 0, 0, 0.3 * strength, 1, -0.15 * strength * photo.width)
    ),
    "translate_x": lambda photo, strength: _apply_affine(photo, (1, 0, 150 / 331 * strength * photo.width, 0, 1, 0)),
    "translate_y": lambda photo, strength: _apply_affine(photo, (1, 0, 0, 0, 1, 150 / 331 * strength * photo.height)),
}
