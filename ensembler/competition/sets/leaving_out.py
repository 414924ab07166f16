"""What is left out before the sets and the labels are searched."""

from __future__ import annotations

from ..layout.evidence import Evidence
from ..photo_files import PhotoFiles
from .copies import find_repeated_folders
from .kinds import find_other_kinds


def leave_out_others(photos: PhotoFiles, evidence: Evidence) -> tuple[PhotoFiles, tuple[str, ...]]:
    """Leave out folders that are there twice, masks and other copies. Return the rest, and what is left out."""
    repeated = find_repeated_folders(photos, evidence)
    photos = photos.leave_out(repeated)
    others = find_other_kinds(photos, evidence)
    return photos.leave_out(others), (*repeated, *others)
