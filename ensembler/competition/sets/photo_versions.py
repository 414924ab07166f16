"""Versions of the same photos in several formats or sizes, in a folder each. One of them is used."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ..photo_names import extract_stem, extract_suffix

# Smallest share of a folder's photos that another version of it contains, too.
_MIN_SHARED = 0.9
# Smaller numbers in names of folders count parts, as in ``train_1``. Others are sizes, as in ``train-16``.
_MIN_SIZE = 16
_ENDING = re.compile(r"[\W_][^\W\d_]+$")


def select_versions(
    folders: Mapping[str, list[str]], test_folders: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Choose the training folders to use: all except further versions of the same photos.

    A version with a counterpart among the test folders is preferred, because members should learn from the kind of
    photos that they predict. Photos named after others, such as ``4_thumbnail.png`` after ``4.png``, come last.
    ``folders`` maps folders that name their set to paths, the preferred folders first.

    Returns
    -------
    tuple
        The folders to use, in the order of their names, and each other folder with the one that it is a version of.
    """
    sets = {folder: _FolderNames(paths) for folder, paths in folders.items()}
    derived = {
        folder
        for folder, names in sets.items()
        if any(names.are_made_of(others) for other, others in sets.items() if other != folder)
    }
    kept: list[str] = []
    versions: dict[str, str] = {}
    for folder in sorted(
        folders, key=lambda folder: (folder in derived, _derive_test_folder(folder) not in test_folders)
    ):
        same = (other for other in kept if sets[folder].are_those_of(sets[other]) and not _are_parts(folder, other))
        if original := next(same, ""):
            versions[folder] = original
        else:
            kept.append(folder)
    return sorted(kept), versions


class _FolderNames:
    """Names of a folder's photos, with and without their common ending."""

    def __init__(self, paths: list[str]) -> None:
        self.stems = frozenset(extract_stem(path) for path in paths)
        self.suffixes = frozenset(extract_suffix(path).lower() for path in paths)
        endings = {found[0] if (found := _ENDING.search(stem)) else "" for stem in self.stems}
        ending = endings.pop() if len(endings) == 1 else ""
        self.bare = frozenset(stem.removesuffix(ending) for stem in self.stems)

    def are_those_of(self, other: _FolderNames) -> bool:
        """Return whether the photos are versions of the other folder's."""
        if not _are_mostly_known(self.stems, other.stems):
            return self.are_made_of(other)
        # In one format, a smaller folder may use the same numbers for different photos.
        return not self.suffixes & other.suffixes or _are_mostly_known(other.stems, self.stems)

    def are_made_of(self, other: _FolderNames) -> bool:
        """Return whether the photos are named after the other folder's."""
        return not _are_mostly_known(self.stems, other.stems) and _are_mostly_known(self.bare, other.stems)


def _are_mostly_known(names: frozenset[str], known: frozenset[str]) -> bool:
    return len(names & known) >= _MIN_SHARED * len(names)


def _derive_test_folder(folder: str) -> str:
    """Return the test folder of a training folder: ``test-128`` for ``train-128``."""
    above, _, name = folder.rpartition("/")
    counterpart = re.sub("train", lambda match: "Test" if match[0][0] == "T" else "test", name, flags=re.IGNORECASE)
    return f"{above}/{counterpart}" if above else counterpart


def _are_parts(folder: str, other: str) -> bool:
    """Return whether two folders are numbered parts of one set, which may use the same numbers for their photos."""
    if re.sub(r"\d+", "", folder) != re.sub(r"\d+", "", other):
        return False
    return all(int(number) < _MIN_SIZE for name in (folder, other) for number in re.findall(r"\d+", name))
