"""RandAugment: a few operations drawn from a fixed list (Cubuk et al., RandAugment, 2020).

The list and the scale of the strengths are the paper's. It found that smaller sets and networks want less than the 9 of
10 that suit a ResNet-50 on ImageNet, and that strengths drawn at random do as well as a constant one.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator
from PIL import Image, ImageEnhance, ImageOps

# Number of operations on a photo.
OPERATIONS_PER_PHOTO = 2
# Highest strength, as a share of the paper's 10: beyond it, some photos are too dark or too far out of view to be told.
MAX_STRENGTH = 0.6
BILINEAR = Image.Resampling.BILINEAR
# Colour beyond the edge of the photo.
FILL_COLOUR = (128, 128, 128)


def rand_augment(photo: Image.Image, random: Generator) -> Image.Image:
    """Apply operations drawn at random, each with a strength drawn at random."""
    operations = list(_OPERATIONS.values())
    for chosen in random.integers(len(operations), size=OPERATIONS_PER_PHOTO):
        photo = operations[chosen](photo, random.uniform(-MAX_STRENGTH, MAX_STRENGTH))
    return photo


def _apply_affine(photo: Image.Image, coefficients: tuple[float, ...]) -> Image.Image:
    return photo.transform(photo.size, Image.Transform.AFFINE, coefficients, BILINEAR, fillcolor=FILL_COLOUR)


# A photo and a strength from -1 to 1 give a photo. Some operations know no direction.
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
    # Shearing is about the middle of the photo, so that what is there stays in view.
    "shear_x": lambda photo, strength: _apply_affine(
        photo, (1, 0.3 * strength, -0.15 * strength * photo.height, 0, 1, 0)
    ),
    "shear_y": lambda photo, strength: _apply_affine(
        photo, (1, 0, 0, 0.3 * strength, 1, -0.15 * strength * photo.width)
    ),
    "translate_x": lambda photo, strength: _apply_affine(photo, (1, 0, 150 / 331 * strength * photo.width, 0, 1, 0)),
    "translate_y": lambda photo, strength: _apply_affine(photo, (1, 0, 0, 0, 1, 150 / 331 * strength * photo.height)),
}
