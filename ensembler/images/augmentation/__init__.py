"""Augments training photos at random; held-out photos are never augmented."""

from __future__ import annotations

from typing import Literal

# Of photos: as they are; mirrored and cropped; changed in their pixels, each in its place; all of that and mixed.
Augmentation = Literal["none", "crops", "pixels", "strong"]
