"""RandAugment: a few operations drawn from a fixed list (Cubuk et al., RandAugment, 2020).

The list and the scale of the strengths are the paper's. It found that smaller sets and networks want less than the 9 of
10 that suit a ResNet-50 on ImageNet, and that strengths drawn at random do as well as a constant one.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator
from PIL import Image, ImageEnhance, ImageOps

# Operations on a photo.
OPERATIONS_PER_PHOTO = 2
# Highest strength, as a share of the paper's 10: beyond it, some photos are too dark or too far out of view to be told.
MAX_STRENGTH = 0.6
# What comes into view beyond the edge.
FILL_COLOUR = (128, 128, 128)

# A photo and a strength from -1 to 1 give a photo. Some operations know no direction.
Operation = Callable[[Image.Image, float], Image.Image]


def rand_augment(photo: Image.Image, random: Generator) -> Image.Image:
    """Apply operations drawn at random, each with a strength drawn at random."""
    for chosen in random.integers(len(_OPERATIONS), size=OPERATIONS_PER_PHOTO):
        photo = _OPERATIONS[chosen](photo, random.uniform(-MAX_STRENGTH, MAX_STRENGTH))
    return photo


def _identity(photo: Image.Image, _: float) -> Image.Image:
    return photo


def _autocontrast(photo: Image.Image, _: float) -> Image.Image:
    return ImageOps.autocontrast(photo)


def _equalize(photo: Image.Image, _: float) -> Image.Image:
    return ImageOps.equalize(photo)


def _solarize(photo: Image.Image, strength: float) -> Image.Image:
    return ImageOps.solarize(photo, round(256 * (1 - abs(strength))))


def _posterize(photo: Image.Image, strength: float) -> Image.Image:
    return ImageOps.posterize(photo, 8 - round(4 * abs(strength)))


def _change_saturation(photo: Image.Image, strength: float) -> Image.Image:
    return ImageEnhance.Color(photo).enhance(1 + 0.9 * strength)


def _change_contrast(photo: Image.Image, strength: float) -> Image.Image:
    return ImageEnhance.Contrast(photo).enhance(1 + 0.9 * strength)


def _change_brightness(photo: Image.Image, strength: float) -> Image.Image:
    return ImageEnhance.Brightness(photo).enhance(1 + 0.9 * strength)


def _change_sharpness(photo: Image.Image, strength: float) -> Image.Image:
    return ImageEnhance.Sharpness(photo).enhance(1 + 0.9 * strength)


def _rotate(photo: Image.Image, strength: float) -> Image.Image:
    return photo.rotate(30 * strength, Image.Resampling.BILINEAR, fillcolor=FILL_COLOUR)


def _shear_x(photo: Image.Image, strength: float) -> Image.Image:
    # About the middle of the photo, so that what is there stays in view.
    return _apply_affine(photo, (1, 0.3 * strength, -0.15 * strength * photo.height, 0, 1, 0))


def _shear_y(photo: Image.Image, strength: float) -> Image.Image:
    return _apply_affine(photo, (1, 0, 0, 0.3 * strength, 1, -0.15 * strength * photo.width))


def _translate_x(photo: Image.Image, strength: float) -> Image.Image:
    return _apply_affine(photo, (1, 0, 150 / 331 * strength * photo.width, 0, 1, 0))


def _translate_y(photo: Image.Image, strength: float) -> Image.Image:
    return _apply_affine(photo, (1, 0, 0, 0, 1, 150 / 331 * strength * photo.height))


def _apply_affine(photo: Image.Image, coefficients: tuple[float, ...]) -> Image.Image:
    return photo.transform(
        photo.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=FILL_COLOUR
    )


_OPERATIONS: tuple[Operation, ...] = (
    _identity,
    _autocontrast,
    _equalize,
    _solarize,
    _posterize,
    _change_saturation,
    _change_contrast,
    _change_brightness,
    _change_sharpness,
    _rotate,
    _shear_x,
    _shear_y,
    _translate_x,
    _translate_y,
)
