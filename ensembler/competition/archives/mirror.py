"""Links to all files of a folder in another one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def walk_places(root: Path, exclude: Path) -> Iterator[str]:
    """Yield the path of each file below ``root``, relative to it, except those below ``exclude``."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if Path(folder, name) != exclude)
        yield from (os.path.relpath(Path(folder, name), root) for name in sorted(names))


def mirror(root: Path, target: Path, exclude: Path) -> None:
    """Make all files of ``root`` appear in ``target``, as links where the disk allows it, else as copies.

    Files below ``exclude`` are omitted.
    """
    for place in walk_places(root, exclude):
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        _link(root / place, target / place)


def _link(source: Path, target: Path) -> None:
    # A link to a link of the user may be relative.
    source = source.resolve()
    for link in (os.link, os.symlink):
        try:
            link(source, target)
        except OSError:
            continue
        return
    shutil.copy2(source, target)
