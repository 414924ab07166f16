"""Photos below a folder, and the search for a photo by its id in a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import BadData
from .photo_names import extract_folder, extract_name, extract_stem, extract_suffix

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class PhotoFiles:
    """Sorted paths of the photos below ``root``, relative to it, with forward slashes."""

    root: Path
    paths: tuple[str, ...]

    @classmethod
    def list_below(cls, root: Path) -> PhotoFiles:
        """List all photos below ``root`` except hidden ones and those in ``__MACOSX``; none raise ``BadData``."""
        paths = list(_walk(root))
        if not paths:
            raise BadData(f"{root} contains no photos: files end in {', '.join(sorted(SUFFIXES))}, at any depth.")
        return cls(root, tuple(sorted(paths)))

    def select_inside(self, folder: str) -> PhotoFiles:
        """Return the photos below ``folder``, which is relative to ``root``."""
        if folder in (".", ""):
            return self
        return PhotoFiles(self.root, tuple(path for path in self.paths if path.startswith(folder + "/")))

    def exclude(self, paths: Container[str]) -> PhotoFiles:
        """Return all photos except ``paths``."""
        return PhotoFiles(self.root, tuple(path for path in self.paths if path not in paths))

    @cached_property
    def by_id(self) -> dict[str, str]:
        """Path of each id, which is a file name with or without its suffix. Ambiguous ids are omitted."""
        counts: Counter[str] = Counter()
        paths: dict[str, str] = {}
        for path in self.paths:
            for key in {name := extract_name(path), extract_stem(name)}:
                counts[key] += 1
                paths[key] = path
        return {key: path for key, path in paths.items() if counts[key] == 1}

    def find(self, identity: str) -> str:
        """Return the path of the photo with the id ``identity``, or an empty string."""
        if identity in self.by_id:
            return self.by_id[identity]
        return self._by_path.get(identity, "")

    def compute_match_share(self, identities: Sequence[str]) -> float:
        """Return the share of ``identities`` that name at least one photo."""
        names = {key for path in self.paths for key in (extract_name(path), extract_stem(path))}
        return sum(identity in names or identity in self._by_path for identity in identities) / len(identities)

    @cached_property
    def _by_path(self) -> dict[str, str]:
        return {key: path for path in self.paths for key in (path, path.removesuffix(extract_suffix(path)))}


def has_photos(root: Path) -> bool:
    """Return whether there is a photo below ``root``."""
    return next(_walk(root), None) is not None


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        # Keeps os.walk out of hidden folders.
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in names:
            if extract_suffix(name).lower() in SUFFIXES and not name.startswith("."):
                yield (Path(folder) / name).relative_to(root).as_posix()


def find_common_folder(paths: tuple[str, ...] | list[str]) -> str:
    """Return the deepest folder that contains all ``paths``; ``.`` for the root."""
    if not paths:
        return "."
    return os.path.commonpath(list({extract_folder(path) for path in paths})) or "."
