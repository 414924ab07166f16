"""What is left out before the sets and the labels are searched."""

from __future__ import annotations

import re

from ...errors import BadChoice
from ..layout.evidence import Evidence
from ..photo_files import PhotoFiles, compile_patterns
from ..photo_names import extract_folder
from .copies import find_repeated_folders
from .kinds import find_other_kinds

_UNLABELLED = re.compile(r"(?:train[-_ ]?)?un[-_ ]?label+ed(?:[-_ ]?(?:images?|imgs?|photos?|data))?", re.IGNORECASE)


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
    unlabelled = _find_unlabelled(photos)
    for folder in unlabelled:
        evidence.doubt(f"The photos of {folder} are left out, since its name says that they have no labels.")
        evidence.leave_out(folder, "its name says that its photos have no labels")
    photos = photos.leave_out(unlabelled)
    repeated = find_repeated_folders(photos, evidence)
    photos = photos.leave_out(repeated)
    others = find_other_kinds(photos, evidence)
    return photos.leave_out(others), (*named, *unlabelled, *repeated, *others)


def _find_unlabelled(photos: PhotoFiles) -> list[str]:
    """Return the folders whose names say that their photos have no labels, unless all photos are there."""
    folders = {extract_folder(path) for path in photos.paths}
    found = {
        "/".join(parts[: place + 1])
        for parts in (folder.split("/") for folder in folders)
        for place, part in enumerate(parts)
        if _UNLABELLED.fullmatch(part)
    }
    return sorted(found) if len(photos.select_inside_any(sorted(found)).paths) < len(photos.paths) else []
