"""Pictures that are left out of a competition, counted and named in its evidence."""

from __future__ import annotations

from ...errors import format_count
from ..photo_files import PhotoFiles
from .evidence import Evidence

_MAX_SHOWN = 3


def shorten(names: list[str]) -> str:
    """Return the first names, and three dots if there are more."""
    return ", ".join([*names[:_MAX_SHOWN], *(["..."] if len(names) > _MAX_SHOWN else [])])


def report_undecodable(photos: PhotoFiles, evidence: Evidence) -> None:
    """Report the pictures that cannot be decoded here, by format."""
    for kind in sorted(set(photos.undecodable.values())):
        paths = [path for path, found in photos.undecodable.items() if found == kind]
        count = format_count(paths, f"{kind} file")
        evidence.doubt(
            f"{count} cannot be decoded here and are left out ({shorten(paths)}): convert them to JPEG or PNG if they "
            "are photos of the task."
        )
