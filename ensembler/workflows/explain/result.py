"""What is found of explained photos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import format_count, format_first
from ...explanations.explanation import Explanation
from ...tables import Shown, Table


@dataclass(frozen=True, repr=False)
class Explanations(Shown):
    """What a stack finds of photos, and which of their parts speak for it.

    Attributes
    ----------
    stack
        Name of the stack, or of the members.
    members
        Names of the members.
    photos
        Explanation of each decoded photo, in the order of the call.
    unreadable
        Paths of the photos that could not be decoded.
    output
        Folder of the pictures. None if none were drawn.
    """

    stack: str
    members: tuple[str, ...]
    photos: tuple[Explanation, ...]
    unreadable: tuple[Path, ...]
    output: Path | None = None

    @property
    def heat(self) -> NDArray[np.float32]:
        """Maps of all photos, shape (photos, 56, 56)."""
        return np.stack([photo.heat for photo in self.photos])

    def build_table(self) -> Table:
        """Return a row for each photo."""
        has_labels = any(photo.label for photo in self.photos)
        columns = ["photo", *(["label"] if has_labels else []), "class", "probability", *self.members]
        rows = [
            [
                photo.id or _shorten(photo.photo),
                *([photo.label] if has_labels else []),
                photo.class_name,
                f"{photo.probability:.4f}",
                *(f"{member.probability:.4f}" for member in photo.members),
                photo.region,
                f"{photo.half_area:.0%}",
            ]
            for photo in self.photos
        ]
        text = ("label", "class", "looks at")
        return Table([*columns, "looks at", "half in"], rows, text_columns=text, notes=list(self._list_notes()))

    def _list_notes(self) -> Iterator[str]:
        yield "half in: share of the photo's area that holds half of what speaks for the class"
        honest = [photo for photo in self.photos if photo.out_of_fold]
        if honest:
            yield f"by the folds' networks that never saw them: {format_count(honest, 'photo')}"
        if learned := [photo.name for photo in self.photos if photo.is_training and not photo.out_of_fold]:
            yield f"by networks that learned from them: {format_first(learned)}"
        pixelwise = sorted({each.name for photo in self.photos[:1] for each in photo.members if "input" in each.method})
        if pixelwise:
            yield f"by gradient times input, because they have no feature maps: {', '.join(pixelwise)}"
        if empty := [photo.name for photo in self.photos if not photo.heat.any()]:
            yield f"nothing speaks for the class in {format_count(empty, 'photo')}: {format_first(empty)}"
        yield from (f"unreadable: {_shorten(path)}" for path in self.unreadable)
        if self.output is not None:
            yield f"pictures: {self.output}"

    def to_json(self) -> dict[str, Any]:
        """Return the figures of all photos without their maps as plain data for JSON."""
        return {
            "stack": self.stack,
            "members": list(self.members),
            "photos": [photo.to_json() for photo in self.photos],
            "unreadable": [str(path) for path in self.unreadable],
            "output": None if self.output is None else str(self.output),
        }


def _shorten(path: Path) -> Path:
    """Return the path of a photo as it is seen from the folder in which the command runs, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
