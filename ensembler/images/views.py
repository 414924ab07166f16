"""Mirrored and cropped views of a photo, identical in training and in prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Views = Literal["none", "flip", "crops", "rotations"]

# Share of height and width that a crop keeps.
CROP_SHARE = 7 / 8


@dataclass(frozen=True)
class View:
    """View of a photo.

    Attributes
    ----------
    corner
        Row and column, each 0 or 1, of the corner that the crop keeps. None keeps the whole photo.
    mirrored
        Whether the photo is mirrored.
    """

    corner: tuple[int, int] | None = None
    mirrored: bool = False

    def __str__(self) -> str:
        """Return a suffix for names of files. Empty for the whole photo."""
        corner = "" if self.corner is None else f"-corner{self.corner[0]}{self.corner[1]}"
        return f"{corner}{'-mirrored' if self.mirrored else ''}"

    def compute_box(self, size: int) -> tuple[int, int, int, int]:
        """Return the left, upper, right and lower edges of the crop in a photo of ``size`` pixels."""
        if self.corner is None:
            return 0, 0, size, size
        crop_size = round(CROP_SHARE * size)
        upper, left = (size - crop_size if far else 0 for far in self.corner)
        return left, upper, left + crop_size, upper + crop_size


WHOLE_VIEW, MIRRORED_VIEW = View(), View(mirrored=True)
_CORNERS = (None, (0, 0), (0, 1), (1, 0), (1, 1))

# The rotations of an orientation task are not views: their predictions mean different classes, so they are aligned.
VIEWS: dict[Views, tuple[View, ...]] = {
    "none": (WHOLE_VIEW,),
    "flip": (WHOLE_VIEW, MIRRORED_VIEW),
    "rotations": (WHOLE_VIEW,),
    "crops": tuple(View(corner, mirrored) for corner in _CORNERS for mirrored in (False, True)),
}
