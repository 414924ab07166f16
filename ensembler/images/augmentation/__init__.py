"""Random augmentation of training photos. Held-out photos are never augmented."""

from __future__ import annotations

from typing import Literal

# None, mirroring and cropping, changes of pixels in place, RandAugment with random erasing and mixing.
Augmentation = Literal["none", "crops", "pixels", "strong"]
