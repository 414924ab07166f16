"""Folders named after classes, at any depth below the folders of a set."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ...errors import format_first
from ..photo_ids import normalise_text
from ..photo_names import extract_folder

# Largest share of photos outside the folders of classes, such as an overview, beside which those are still classes.
_MAX_STRAYS = 0.1
# The usual number of folds; fewer groups cannot fill them.
_MIN_GROUPS = 5


@dataclass(frozen=True)
class ClassFolders:
    """Folders of classes below the folder of a set.

    Attributes
    ----------
    base
        Deepest folder that contains all folders of classes.
    level
        Number of the folder below ``base`` that names the class, from 1. 0 is the innermost folder of each photo.
    group_level
        Number of the folder below ``base`` that names a group, such as a patient. 0 means that there are no groups.
    by_path
        Class of each photo.
    strays
        Photos in no folder of a class.
    doubt
        Reason for the choice as a sentence, if another was possible. Otherwise empty.
    """

    base: str
    level: int
    group_level: int
    by_path: dict[str, str]
    strays: tuple[str, ...]
    doubt: str = ""

    @property
    def classes(self) -> set[str]:
        """Names of the classes."""
        return set(self.by_path.values())


def find_class_folders(folder: str, paths: list[str], asked: Collection[str] = ()) -> ClassFolders | None:
    """Find folders of classes below ``folder``, or return None.

    A few photos outside of them are strays, and single folders on the way (``train/train``) are stepped over.

    Parameters
    ----------
    folder
        Folder of a set.
    paths
        Photos below it.
    asked
        Names of classes in the sample submission, as far as they are known. They decide between levels of folders.
    """
    base, inside, strays = _step_down(folder, paths)
    if not inside or len(_list_names(inside, 0)) < 2:
        return None
    level, group_level, doubt = _choose_level(base, inside, asked)
    by_path = {path: normalise_text(parts[level - 1]) for path, parts in inside.items()}
    count = len(set(by_path.values()))
    # Deeper folders with few photos each contain ids rather than classes.
    if count < 2 or (min(map(len, inside.values())) > 1 and count > len(inside) / 2):
        return None
    if all(len(parts) == level for parts in inside.values()):
        level = 0
    return ClassFolders(base, level, group_level, by_path, tuple(strays), doubt)


def find_known_classes(folder: str, paths: list[str], known: Collection[str], level: int) -> ClassFolders | None:
    """Find folders of ``known`` classes below the folder of another set, at a level; None if others are found."""
    names = set(map(normalise_text, known))
    base, inside, strays = folder, _split(folder, paths), []
    while True:
        strays += [path for path, parts in inside.items() if not parts]
        inside = {path: parts for path, parts in inside.items() if parts}
        if len(strays) > _MAX_STRAYS * len(paths):
            return None
        by_path = {
            path: normalise_text(parts[(level or len(parts)) - 1]) if len(parts) >= level else ""
            for path, parts in inside.items()
        }
        if inside and set(by_path.values()) <= names:
            return ClassFolders(base, level, 0, by_path, tuple(strays))
        if len(tops := _list_names(inside, 0)) != 1:
            return None
        base = _join(base, *tops)
        inside = {path: parts[1:] for path, parts in inside.items()}


def _split(folder: str, paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of the folders between ``folder`` and each photo."""
    start = 0 if folder == "." else len(folder) + 1
    return {path: below.split("/") if (below := extract_folder(path)[start:]) else [] for path in paths}


def _list_names(inside: dict[str, list[str]], depth: int) -> set[str]:
    return {parts[depth] for parts in inside.values() if len(parts) > depth}


def _join(folder: str, *names: str) -> str:
    return "/".join([*([] if folder == "." else [folder]), *names])


def _step_down(folder: str, paths: list[str]) -> tuple[str, dict[str, list[str]], list[str]]:
    """Step over single folders. Return the last one, the folders below it of each photo, and the strays.

    No photos are returned if too many are outside of all folders.
    """
    inside, strays = _split(folder, paths), []
    while True:
        strays += [path for path, parts in inside.items() if not parts]
        inside = {path: parts for path, parts in inside.items() if parts}
        if len(strays) > _MAX_STRAYS * len(paths):
            return folder, {}, []
        names = _list_names(inside, 0)
        if len(names) != 1:
            return folder, inside, strays
        folder = _join(folder, *names)
        inside = {path: parts[1:] for path, parts in inside.items()}


def _choose_level(base: str, inside: dict[str, list[str]], asked: Collection[str]) -> tuple[int, int, str]:
    """Return the level of the classes, that of groups or 0, and a doubt or an empty string."""
    depth = min(map(len, inside.values()))
    if depth == 1:
        deeper = [path for path, parts in inside.items() if len(parts) > 1]
        where = sorted({extract_folder(path) for path in deeper})
        doubt = (
            f"Photos in folders below the folders of classes are taken for photos of these classes ({len(deeper)} in "
            f"{format_first(where)}): if they are not, leave them out with --leave-out FOLDER."
        )
        return 1, 0, doubt if deeper else ""
    # One name, as in CLASS/images, tells no classes apart.
    depth = max(level for level in range(1, depth + 1) if len(_list_names(inside, level - 1)) > 1)
    if depth == 1:
        return 1, 0, ""
    outer, inner = _list_names(inside, 0), _list_names(inside, depth - 1)
    wanted = {_simplify(name) for name in asked}
    for level, names in ((depth, inner), (1, outer)):
        if wanted and {_simplify(name) for name in names} <= wanted:
            return level, _find_group_level(inside, level, depth), ""
    pairs = {(parts[0], parts[depth - 1]) for parts in inside.values()}
    level = depth if _are_innermost_classes(outer, inner, are_shared=len(pairs) > len(inner)) else 1
    chosen, other = (inner, outer) if level == depth else (outer, inner)
    return (
        level,
        _find_group_level(inside, level, depth),
        _describe_choice(base, chosen, other, 1 if level > 1 else depth),
    )


def _are_innermost_classes(outer: set[str], inner: set[str], *, are_shared: bool) -> bool:
    """Return whether the innermost folders are classes rather than the outermost ones.

    Names that differ only by numbers are those of patients or videos. If innermost names occur below several of the
    outermost ones, classes have fewer names. Otherwise the innermost are kinds of the outermost.
    """
    if _are_numbered(outer) != _are_numbered(inner):
        return _are_numbered(outer)
    return not are_shared or len(inner) <= len(outer)


def _find_group_level(inside: dict[str, list[str]], level: int, depth: int) -> int:
    """Return the level of folders that group the photos of the classes at ``level``; 0 if none does."""
    other = 1 if level == depth else depth
    if not _are_numbered(_list_names(inside, other - 1)):
        return 0
    # Folders with numbers above, such as a slide above its magnifications, group photos that belong together.
    outer = [
        above
        for above in range(min(level + 1, other), other + 1)
        if all(re.search(r"\d", name) for name in _list_names(inside, above - 1))
    ]
    counts = {above: len({tuple(parts[:above]) for parts in inside.values()}) for above in outer}
    return next((above for above, count in counts.items() if _MIN_GROUPS <= count < len(inside)), 0)


def _describe_choice(base: str, chosen: set[str], other: set[str], alternative: int) -> str:
    return (
        f"Two levels of folders below {base} may be the classes. {format_first(sorted(chosen))} are used, not "
        f"{format_first(sorted(other))}: to use the others, write class_level = {alternative} below [train] and their "
        "names into `classes` of competition.toml."
    )


def _are_numbered(names: Collection[str]) -> bool:
    """Return whether names differ only by their numbers, as those of patients and videos do."""
    return (
        bool(names)
        and all(re.search(r"\d", name) for name in names)
        and len({re.sub(r"[\da-f]*\d[\da-f]*", "", name.lower()) for name in names}) == 1
    )


def _simplify(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
