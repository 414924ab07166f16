"""Photos below a folder, and the search for a photo by its id in a table."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import BadData
from .photo_ids import LooseNames
from .photo_names import extract_folder, extract_name, extract_stem, extract_suffix
from .pictures.file_kinds import OTHER, PHOTO, SYSTEM, walk_files


@dataclass(frozen=True)
class PhotoFiles:
    """Sorted paths of the photos below ``root``, relative to it, with forward slashes.

    ``undecodable`` maps the paths of pictures that cannot be decoded here to their formats. A selection of photos has
    none.
    """

    root: Path
    paths: tuple[str, ...]
    undecodable: dict[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def list_below(cls, root: Path) -> PhotoFiles:
        """List all photos below ``root`` except hidden ones and those in folders of systems.

        Photos are recognised by their suffixes, and files without a known suffix by their first bytes. If there are no
        photos, ``BadData`` is raised.
        """
        kinds = dict(walk_files(root))
        undecodable = {path: kind for path, kind in sorted(kinds.items()) if kind not in (PHOTO, SYSTEM, OTHER)}
        paths = sorted(path for path, kind in kinds.items() if kind == PHOTO)
        if not paths:
            raise BadData(_describe_no_photos(root, undecodable, len(kinds)))
        return cls(root, tuple(paths), undecodable)

    def select_inside(self, folder: str) -> PhotoFiles:
        """Return the photos below ``folder``, which is relative to ``root``."""
        if folder in (".", ""):
            return self
        return PhotoFiles(self.root, tuple(path for path in self.paths if path.startswith(folder + "/")))

    def select_inside_any(self, folders: Iterable[str]) -> PhotoFiles:
        """Return the photos below at least one of ``folders``."""
        inside = {path for folder in folders for path in self.select_inside(folder).paths}
        return PhotoFiles(self.root, tuple(path for path in self.paths if path in inside))

    def leave_out(self, patterns: Sequence[str]) -> PhotoFiles:
        """Return the photos that no pattern in the manifest's ``leave_out`` contains."""
        if not patterns:
            return self
        matches = compile_patterns(patterns)
        paths = tuple(path for path in self.paths if not matches(path))
        return PhotoFiles(self.root, paths, self.undecodable)

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
        """Return the path of the photo with the id ``identity``, or an empty string.

        An id that is no name or path may be spelled differently, see :mod:`.photo_ids`.
        """
        if identity in self.by_id:
            return self.by_id[identity]
        return self._by_path.get(identity) or self._loose_names.find(identity)

    def compute_match_share(self, identities: Sequence[str]) -> float:
        """Return the share of ``identities`` that name at least one photo."""
        counts = Counter(key for path in self.paths for key in (extract_name(path), extract_stem(path)))
        # A name of several photos names none of them alone.
        matched = sum(counts[extract_name(one)] > 1 or bool(self.find(one)) for one in identities)
        return matched / len(identities)

    @cached_property
    def _loose_names(self) -> LooseNames:
        return LooseNames(self.paths, self.root)

    @cached_property
    def _by_path(self) -> dict[str, str]:
        return {key: path for path in self.paths for key in (path, path.removesuffix(extract_suffix(path)))}


def compile_patterns(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a path is one of ``patterns`` or below one; ``*`` is any characters."""
    words = (re.escape(pattern.removeprefix("./").rstrip("/")).replace(r"\*", ".*") for pattern in patterns)
    expression = re.compile(f"(?:{'|'.join(words)})(?:/.*)?", re.DOTALL)
    return lambda path: expression.fullmatch(path) is not None


def has_photos(root: Path) -> bool:
    """Return whether there is a photo below ``root``."""
    return any(kind == PHOTO for _, kind in walk_files(root))


def _describe_no_photos(root: Path, undecodable: dict[str, str], count: int) -> str:
    formats = Counter(undecodable.values()).most_common()
    found = ", ".join(f"{number} {kind}" for kind, number in formats)
    reason = f"its pictures cannot be decoded here ({found})" if formats else f"none of its {count} files is one"
    return f"{root} contains no photos, because {reason}: add JPEG, PNG or other files that Pillow reads, at any depth."


def find_common_folder(paths: tuple[str, ...] | list[str]) -> str:
    """Return the deepest folder that contains all ``paths``; ``.`` for the root."""
    if not paths:
        return "."
    return os.path.commonpath(list({extract_folder(path) for path in paths})) or "."
