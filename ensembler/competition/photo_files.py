"""The photos below a folder, found by the ids that tables give them."""

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
    """Photos below ``root``: paths relative to it, with forward slashes, sorted."""

    root: Path
    paths: tuple[str, ...]

    @classmethod
    def list_below(cls, root: Path) -> PhotoFiles:
        """List all photos below ``root``, except hidden files and ``__MACOSX``. ``BadData`` if there are none."""
        paths = list(_walk(root))
        if not paths:
            raise BadData(f"There are no photos in {root}: looked for {', '.join(sorted(SUFFIXES))} at any depth.")
        return cls(root, tuple(sorted(paths)))

    def select_inside(self, folder: str) -> PhotoFiles:
        """Return the photos below ``folder``, itself relative to ``root``; ``.`` is all."""
        if folder in (".", ""):
            return self
        return PhotoFiles(self.root, tuple(path for path in self.paths if path.startswith(folder + "/")))

    def exclude(self, paths: Container[str]) -> PhotoFiles:
        """Return all photos but ``paths``."""
        return PhotoFiles(self.root, tuple(path for path in self.paths if path not in paths))

    @cached_property
    def by_id(self) -> dict[str, str]:
        """Path of each id: a file's name, with or without suffix; ids that mean several files are left out."""
        counts: Counter[str] = Counter()
        paths: dict[str, str] = {}
        for path in self.paths:
            for key in {name := extract_name(path), extract_stem(name)}:
                counts[key] += 1
                paths[key] = path
        return {key: path for key, path in paths.items() if counts[key] == 1}

    def find(self, identity: str) -> str:
        """Return the path of the photo that a table calls ``identity``, or an empty string."""
        if identity in self.by_id:
            return self.by_id[identity]
        return self._by_path.get(identity, "")

    def compute_match_share(self, identities: Sequence[str]) -> float:
        """Return the share of ``identities`` that name a photo, or several photos."""
        names = {key for path in self.paths for key in (extract_name(path), extract_stem(path))}
        return sum(identity in names or identity in self._by_path for identity in identities) / len(identities)

    @cached_property
    def _by_path(self) -> dict[str, str]:
        return {key: path for path in self.paths for key in (path, path.removesuffix(extract_suffix(path)))}


def has_photos(root: Path) -> bool:
    """Whether there is a photo below ``root``."""
    return next(_walk(root), None) is not None


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        # Keeps os.walk out of hidden folders.
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in names:
            if extract_suffix(name).lower() in SUFFIXES and not name.startswith("."):
                yield (Path(folder) / name).relative_to(root).as_posix()


def find_common_folder(paths: tuple[str, ...] | list[str]) -> str:
    """Return the deepest folder that holds all ``paths``; ``.`` if it is the root."""
    if not paths:
        return "."
    return os.path.commonpath(list({extract_folder(path) for path in paths})) or "."
