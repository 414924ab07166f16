"""Versions of the same photos in several formats or sizes, in a folder each. One of them is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import takewhile

from ..photo_names import extract_stem, extract_suffix

# Smallest share of a folder's photos that another version of it contains, too.
_MIN_SHARED = 0.9
# Smaller numbers in names of folders count parts, as in ``train_1``. Others are sizes, as in ``train-16``.
_MIN_SIZE = 16
_ENDING = re.compile(r"[-_. ][^\d/()]*[^\W\d_][^\d/()]*$")


def select_versions(
    folders: Mapping[str, list[str]],
    test_folders: Collection[str],
    show_other_pictures: Callable[[list[str], list[str]], bool] | None = None,
) -> tuple[list[str], dict[str, str], list[str]]:
    """Choose the training folders to use: all except further versions of the same photos.

    A version with a counterpart among the test folders is preferred, because members should learn from the kind of
    photos that they predict. Photos named after others, such as ``4_thumbnail.png`` after ``4.png``, come last.
    ``folders`` maps folders that name their set to paths, the preferred folders first. ``show_other_pictures`` tells
    whether photos with the same names are different pictures.

    Returns
    -------
    tuple
        The folders to use, in the order of their names; each version with the folder that it is a version of; and
        folders with the names of others, but other pictures.
    """
    sets = {
        folder: FolderNames(map(extract_stem, paths), {extract_suffix(path).lower() for path in paths})
        for folder, paths in folders.items()
    }
    derived = {
        folder
        for folder, names in sets.items()
        if any(names.are_made_of(others) for other, others in sets.items() if other != folder)
    }
    kept: list[str] = []
    versions: dict[str, str] = {}
    ambiguous: list[str] = []
    for folder in sorted(
        folders, key=lambda folder: (folder in derived, _derive_test_folder(folder) not in test_folders)
    ):
        same = (other for other in kept if sets[folder].are_versions_of(sets[other]) and not _are_parts(folder, other))
        if not (original := next(same, "")):
            kept.append(folder)
        elif show_other_pictures and show_other_pictures(folders[folder], folders[original]):
            ambiguous.append(folder)
        else:
            versions[folder] = original
    return sorted(kept), versions, sorted(ambiguous)


class FolderNames:
    """Names of a folder's photos without suffixes, with and without their common ending, such as ``_mask``."""

    def __init__(self, stems: Iterable[str], suffixes: Iterable[str] = ()) -> None:
        self.stems = frozenset(stems)
        self.suffixes = frozenset(suffixes)
        found = _ENDING.search(_find_common_ending(self.stems))
        self.ending = found[0] if found and all(len(stem) > len(found[0]) for stem in self.stems) else ""
        self.bare = frozenset(stem.removesuffix(self.ending) for stem in self.stems)

    def are_mostly_in(self, other: FolderNames) -> bool:
        """Return whether most names are also those of the other folder."""
        return len(self.stems & other.stems) >= _MIN_SHARED * len(self.stems)

    def are_versions_of(self, other: FolderNames) -> bool:
        """Return whether the photos are versions of the other folder's."""
        if not self.are_mostly_in(other):
            return self.are_made_of(other)
        # In one format, a smaller folder may use the same numbers for different photos.
        return not self.suffixes & other.suffixes or other.are_mostly_in(self)

    def are_made_of(self, other: FolderNames) -> bool:
        """Return whether the photos are named after the other folder's."""
        return not self.are_mostly_in(other) and len(self.bare & other.stems) >= _MIN_SHARED * len(self.bare)


def _find_common_ending(names: Collection[str]) -> str:
    """Return the characters at the end of all names."""
    turned = [name[::-1] for name in names]
    # All others are between the first and the last one.
    pairs = zip(min(turned, default=""), max(turned, default=""), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))[::-1]


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
