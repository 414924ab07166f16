"""Pictures that are left out of a competition, counted and named in its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import format_first
from ..photo_files import PhotoFiles
from .evidence import Evidence

# More strays are counted together.
_MAX_NAMED = 5


def report_strays(paths: Sequence[str], evidence: Evidence) -> None:
    """Report the photos that are in no folder of a class."""
    if len(paths) > _MAX_NAMED:
        evidence.doubt(
            f"{len(paths)} photos are in no folder of a class and are left out ({format_first(paths)}): put those that "
            "have a class into its folder."
        )
        return
    for path in paths:
        evidence.leave_out(path, "it is in no folder of a class")


def report_undecodable(photos: PhotoFiles, evidence: Evidence) -> None:
    """Report the pictures that cannot be decoded here, by format."""
    for kind in sorted(set(photos.undecodable.values())):
        paths = [path for path, found in photos.undecodable.items() if found == kind]
        evidence.doubt(
            f"The {kind} files cannot be decoded here and are left out ({len(paths)}: {format_first(paths)}): convert "
            "them to JPEG or PNG if they are photos of the task."
        )
