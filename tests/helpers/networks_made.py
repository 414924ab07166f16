"""What stands for a network where none is needed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np


class Brightness:
    """Stands for a network of two sizes: it gives each photo's mean at both."""

    inputs = (SimpleNamespace(shape=(None, 8, 8, 3)), SimpleNamespace(shape=(None, 4, 4, 3)))
    output_shape = (None, 2)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict_on_batch(self, pixels: list[np.ndarray]) -> np.ndarray:
        self.batches.append(len(pixels[0]))
        return np.stack([size.mean(axis=(1, 2, 3)) / 255 for size in pixels], axis=1).astype(np.float32)
