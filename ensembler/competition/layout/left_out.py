"""Pictures that are left out of a competition, counted and named in its evidence."""

from __future__ import annotations

from ...errors import format_first
from ..photo_files import PhotoFiles
from .evidence import Evidence


def report_undecodable(photos: PhotoFiles, evidence: Evidence) -> None:
    """Report the pictures that cannot be decoded here, by format."""
    for kind in sorted(set(photos.undecodable.values())):
        paths = [path for path, found in photos.undecodable.items() if found == kind]
        evidence.doubt(
            f"The {kind} files cannot be decoded here and are left out ({len(paths)}: {format_first(paths)}): convert "
            "them to JPEG or PNG if they are photos of the task."
        )
