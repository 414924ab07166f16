"""Training photos changed at random, so that a network sees each of them in many ways; held-out ones never are."""

from __future__ import annotations

from typing import Literal

# Of photos: as they are; mirrored and cropped; changed in their pixels, each in its place; all of that and mixed.
Augmentation = Literal["none", "crops", "pixels", "strong"]
