"""Augments training photos at random; held-out photos are never augmented."""

from __future__ import annotations

from typing import Literal

# Unchanged; mirrored and cropped; pixels changed in place; all of that and mixed.
Augmentation = Literal["none", "crops", "pixels", "strong"]
