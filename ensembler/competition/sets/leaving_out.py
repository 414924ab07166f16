"""What is left out before the sets and the labels are searched."""

from __future__ import annotations

from ...errors import BadChoice
from ..layout.evidence import Evidence
from ..photo_files import PhotoFiles, compile_patterns
from .copies import find_repeated_folders
from .kinds import find_other_kinds


def leave_out_others(
    photos: PhotoFiles, named: tuple[str, ...], evidence: Evidence
) -> tuple[PhotoFiles, tuple[str, ...]]:
    """Leave out what the user ``named``, folders that are there twice, masks and other copies.

    Returns
    -------
    tuple
        The other photos, and patterns of what is left out.

    Raises
    ------
    BadChoice
        If nothing matches a pattern of the user.
    """
    for pattern in named:
        if not any(map(compile_patterns([pattern]), photos.paths)):
            raise BadChoice(
                f"No photo in {photos.root} is below or named {pattern!r}: --leave-out expects a path relative to that "
                "folder, in which * stands for any characters."
            )
        evidence.leave_out(pattern, "you left it out")
    photos = photos.leave_out(named)
    repeated = find_repeated_folders(photos, evidence)
    photos = photos.leave_out(repeated)
    others = find_other_kinds(photos, evidence)
    return photos.leave_out(others), (*named, *repeated, *others)
