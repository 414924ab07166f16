"""Moves what came out of an inner archive to its place, where nothing is replaced."""

from __future__ import annotations

import filecmp
import itertools
from pathlib import Path, PurePath


def is_litter(path: PurePath) -> bool:
    """Return whether a path inside an archive is a hidden file or in the metadata folder of macOS."""
    return path.name.startswith(".") or "__MACOSX" in path.parts


def put_in_place(unpacked: Path, archive: Path) -> Path | None:
    """Move the content of an archive from the folder ``unpacked``, on the same disk, to its place.

    If the content is one folder or file of the archive's name, it is moved beside the archive, else into a folder of
    that name. Existing files stay, and identical files are kept once. If different content exists there, a folder with
    another name is used and returned.
    """
    tops = {path.name for path in unpacked.iterdir() if not is_litter(PurePath(path.name))}
    # train.tgz becomes train.tar, which is unpacked next.
    is_beside = len(tops) == 1 and tops <= {archive.stem, archive.stem + ".tar"}
    target = archive.parent if is_beside else archive.with_suffix("")
    if not _has_clash(unpacked, target):
        _merge(unpacked, target)
        return None
    folder = archive.with_suffix("")
    free = next(
        path for number in itertools.count(2) if not (path := folder.with_name(f"{folder.name}-{number}")).exists()
    )
    _merge(unpacked, free)
    return free


def _has_clash(source: Path, target: Path) -> bool:
    """Return whether different content exists at ``target``."""
    if not target.exists():
        return False
    if source.is_dir() and target.is_dir():
        children = (path for path in source.iterdir() if not is_litter(PurePath(path.name)))
        return any(_has_clash(path, target / path.name) for path in children)
    return not (source.is_file() and target.is_file() and filecmp.cmp(source, target, shallow=False))


def _merge(source: Path, target: Path) -> None:
    """Move everything that ``target`` lacks into it."""
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        place = target / path.name
        if not place.exists():
            path.rename(place)
        elif path.is_dir() and place.is_dir():
            _merge(path, place)
