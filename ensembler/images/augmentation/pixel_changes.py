"""Changes of pixels that keep the geometry of a photo, for tasks in which directions and positions matter.

They imitate cameras and the web: light, colour, blur, noise, dead pixels and compression.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageEnhance, ImageFilter


@dataclass(frozen=True)
class Change:
    """Random change of a photo.

    Attributes
    ----------
    apply
        Function of a photo, a strength and a random generator, which returns the changed photo.
    probability
        Share of photos that are changed.
    min_strength, max_strength
        Bounds of the strength, which is drawn uniformly.
    """

    apply: Callable[[Image.Image, float, Generator], Image.Image]
    probability: float
    min_strength: float
    max_strength: float


def change_pixels(photo: Image.Image, random: Generator) -> Image.Image:
    """Apply each change with its own probability and strength, in the order in which a camera causes them."""
    for change in CHANGES.values():
        if random.random() < change.probability:
            photo = change.apply(photo, random.uniform(change.min_strength, change.max_strength), random)
    return photo


def _apply_gamma(photo: Image.Image, exponent: float, _: Generator) -> Image.Image:
    curve = 255 * (np.arange(256) / 255) ** exponent
    return photo.point(np.rint(curve).astype(int).tolist() * 3)


def _shift_hue(photo: Image.Image, shift: float, _: Generator) -> Image.Image:
    """Shift the hue by a share of the colour circle."""
    hue, saturation, value = photo.convert("HSV").split()
    # In Pillow, the hues 0 and 255 are the same red.
    shifted = (np.arange(256) + round(255 * shift)) % 255
    return Image.merge("HSV", (hue.point(shifted.tolist()), saturation, value)).convert("RGB")


def _add_noise(photo: Image.Image, deviation: float, random: Generator) -> Image.Image:
    """Add Gaussian noise with a standard deviation from 0 to 255."""
    pixels = np.asarray(photo)
    noise = random.standard_normal(pixels.shape, dtype=np.float32)
    noise *= deviation
    noise += pixels
    return Image.fromarray(np.rint(noise, out=noise).clip(0, 255, out=noise).astype(np.uint8))


def _drop_pixels(photo: Image.Image, share: float, random: Generator) -> Image.Image:
    """Set about this share of the pixels to black."""
    pixels = np.array(photo)
    places = pixels.reshape(-1, 3)
    places[random.integers(len(places), size=round(share * len(places)))] = 0
    return Image.fromarray(pixels)


def _compress_jpeg(photo: Image.Image, quality: float, _: Generator) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=round(quality))
    return Image.open(file).convert("RGB")


CHANGES = {
    "brightness": Change(lambda photo, factor, _: ImageEnhance.Brightness(photo).enhance(factor), 0.5, 0.7, 1.3),
    "contrast": Change(lambda photo, factor, _: ImageEnhance.Contrast(photo).enhance(factor), 0.5, 0.7, 1.3),
    "gamma": Change(_apply_gamma, 0.3, 0.7, 1.4),
    "saturation": Change(lambda photo, factor, _: ImageEnhance.Color(photo).enhance(factor), 0.3, 0.6, 1.4),
    "hue": Change(_shift_hue, 0.3, -0.05, 0.05),
    # The standard deviation is a share of the photo's width.
    "blur": Change(
        lambda photo, share, _: photo.filter(ImageFilter.GaussianBlur(share * photo.width)), 0.2, 0.003, 0.008
    ),
    "noise": Change(_add_noise, 0.2, 2.0, 16.0),
    "dropout": Change(_drop_pixels, 0.2, 0.005, 0.04),
    "jpeg": Change(_compress_jpeg, 0.2, 30.0, 90.0),
}
