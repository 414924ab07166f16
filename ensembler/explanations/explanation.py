"""What a stack finds of a photo, and the map of the parts that speak for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asked import name_photo
from .heat import Heat, measure_half_area, name_region


class _Map:
    """Where the map ``heat`` of a photo lies."""

    heat: Heat

    @property
    def region(self) -> str:
        """Part of the photo around which most of the map lies, such as ``centre`` or ``upper left``."""
        return name_region(self.heat)

    @property
    def half_area(self) -> float:
        """Smallest share of the photo's area that holds half of the map's mass, from 0 to 1."""
        return measure_half_area(self.heat)


@dataclass(frozen=True)
class MemberExplanation(_Map):
    """What one member finds of a photo.

    Attributes
    ----------
    name
        Name of the member.
    probability
        Probability of the explained class by this member, from 0 to 1.
    share
        Share of the stack's map that comes from this member, from 0 to 1.
    heat
        Map of the member alone, as that of :class:`Explanation`.
    method
        Method of the map: ``HiResCAM of two layers``, or ``gradient times input`` for a network without feature maps.
    """

    name: str
    probability: float
    share: float
    heat: Heat
    method: str

    def to_json(self) -> dict[str, Any]:
        """Return the figures without the map as plain data for JSON."""
        return {
            "name": self.name,
            "probability": round(self.probability, 6),
            "share": round(self.share, 4),
            "region": self.region,
            "half_area": round(self.half_area, 4),
            "method": self.method,
        }


@dataclass(frozen=True)
class Explanation(_Map):
    """What a stack finds of a photo, and where it looks.

    Attributes
    ----------
    photo
        Path of the photo.
    id, label
        Id and label of a photo of the competition. Empty for others; the label is empty for photos to predict too.
    out_of_fold
        Whether it is one that the explained networks never saw in training.
    class_name
        Explained class.
    predicted
        Class that the stack predicts; the most probable one if a photo may have several.
    probabilities
        Probability of each class by the stack.
    heat
        Map of the parts that speak for the class, shape (56, 56). It covers the whole photo and sums to 1, or to 0 if
        nothing speaks for the class.
    members
        Each member's own explanation.
    turns
        Quarter turns counter-clockwise by which the photo was rotated before.
    is_training
        Whether it is a training photo.
    picture
        Path of the picture. None if none was written.
    """

    photo: Path
    id: str
    label: str
    out_of_fold: bool
    class_name: str
    predicted: str
    probabilities: dict[str, float]
    heat: Heat
    members: tuple[MemberExplanation, ...]
    turns: int = 0
    is_training: bool = False
    picture: Path | None = None

    @property
    def name(self) -> str:
        """Name of the photo's file, with the degrees by which it is rotated."""
        return name_photo(self.photo, self.turns)

    @property
    def probability(self) -> float:
        """Probability of the explained class by the stack."""
        return self.probabilities[self.class_name]

    def to_json(self) -> dict[str, Any]:
        """Return the figures without the maps as plain data for JSON."""
        return {
            "photo": str(self.photo),
            "id": self.id,
            "label": self.label,
            "out_of_fold": self.out_of_fold,
            "class": self.class_name,
            "predicted": self.predicted,
            "probability": round(self.probability, 6),
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
            "region": self.region,
            "half_area": round(self.half_area, 4),
            "members": [member.to_json() for member in self.members],
            "picture": None if self.picture is None else str(self.picture),
        }
