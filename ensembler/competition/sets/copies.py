"""Folders that contain the same files a second time, as zips in zips leave them."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from ..layout.evidence import Evidence
from ..photo_files import PhotoFiles
from ..photo_names import extract_folder

_MIN_SHARED = 0.9
# Number of files whose sizes are compared.
_MAX_COMPARED = 50


def find_repeated_folders(photos: PhotoFiles, evidence: Evidence) -> list[str]:
    """Return folders whose files also are in the folder above, at the same places and with the same sizes.

    ``chest_xray/chest_xray/train`` is left out beside ``chest_xray/train``.
    """
    children: dict[str, set[str]] = {}
    for folder in {extract_folder(path) for path in photos.paths} - {""}:
        parts = folder.split("/")
        for depth, part in enumerate(parts):
            children.setdefault("/".join(parts[:depth]), set()).add(part)
    repeated: list[str] = []
    known = frozenset(photos.paths)
    for folder in sorted(children.keys() - {""}, key=lambda name: name.count("/")):
        above, _, name = folder.rpartition("/")
        is_inside = any(folder.startswith(other + "/") for other in repeated)
        if not is_inside and children[folder] <= children[above] - {name} and _are_copies(photos, known, above, folder):
            repeated.append(folder)
            evidence.leave_out(folder, f"it contains the files of {above or 'the folder above'} a second time")
    return repeated


def _are_copies(photos: PhotoFiles, known: frozenset[str], above: str, folder: str) -> bool:
    """Return whether most files of ``folder`` are in the folder ``above`` too, at the same places."""
    start = len(folder) + 1
    prefix = f"{above}/" if above else ""
    # The paths are sorted, and "0" is the character after "/".
    first, end = bisect_left(photos.paths, f"{folder}/"), bisect_left(photos.paths, f"{folder}0")
    below = [path[start:] for path in photos.paths[first:end]]
    shared = [place for place in below if f"{prefix}{place}" in known]
    if len(shared) < _MIN_SHARED * len(below):
        return False
    step = max(1, len(shared) // _MAX_COMPARED)
    return all(
        _read_size(photos.root / folder / place) == _read_size(photos.root / f"{prefix}{place}")
        for place in shared[::step]
    )


def _read_size(path: Path) -> int:
    return path.stat().st_size
