"""Photos with detail, and copies of them as people make them."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A photo of no thing: light of several scales in colours, like clouds, leaves and their shadows."""
    random = np.random.default_rng(seed)
    layers = np.zeros((size[1], size[0], 3))
    for places, strength in ((3, 1.0), (6, 0.8), (12, 0.6), (24, 0.4)):
        coarse = random.normal(0, 1, (places, places, 3)) + random.normal(0, 1, (places, places, 1))
        for channel in range(3):
            small = Image.fromarray(coarse[..., channel].astype(np.float32))
            layers[..., channel] += strength * np.asarray(small.resize(size, Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(128 + 38 * layers, 0, 255).astype(np.uint8))


def _compressed(photo: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=30)
    return Image.open(buffer).convert("RGB")


def _cut(photo: Image.Image, share: float) -> Image.Image:
    width, height = photo.size
    across, down = round(width * share), round(height * share)
    return photo.crop((across, down, width - across, height - down))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": _compressed,
    "smaller": lambda photo: photo.resize((80, 60), Image.Resampling.LANCZOS),
    "square": lambda photo: photo.resize((128, 128), Image.Resampling.BICUBIC),
    "brighter": lambda photo: Image.fromarray(np.clip(np.asarray(photo) * 1.1 + 8, 0, 255).astype(np.uint8)),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
    "mirrored": ImageOps.mirror,
    "cut by 2 %": lambda photo: _cut(photo, 0.02),
    "cut by 4 %": lambda photo: _cut(photo, 0.04),
    "mirrored, cut and compressed": lambda photo: _compressed(_cut(ImageOps.mirror(photo), 0.03)),
}
