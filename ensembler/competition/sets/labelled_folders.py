"""Classes in the names of folders, for all folders of labelled photos of a competition."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .class_folders import find_class_folders, find_known_classes
from .photo_sets import TrainingSet


@dataclass(frozen=True)
class LabelledFolders:
    """Folders of labelled photos with folders of classes below them.

    Attributes
    ----------
    folders
        Deepest folders that contain all folders of classes, one for each set.
    level, group_level
        See :class:`.class_folders.ClassFolders`.
    by_path
        Class of each photo.
    strays
        Photos in no folder of a class.
    unlabelled
        Folders for validation whose photos have no known class.
    doubts
        Reasons for the choice of levels, as sentences, if others were possible.
    """

    folders: tuple[str, ...]
    level: int
    group_level: int
    by_path: dict[str, str]
    strays: tuple[str, ...]
    unlabelled: tuple[str, ...]
    doubts: tuple[str, ...]


def find_labelled_folders(training: TrainingSet, asked: Collection[str]) -> LabelledFolders | None:
    """Find folders of classes below all training folders, and below those for validation; None if there are none.

    ``asked`` contains the names of classes in the sample submission, as far as they are known.
    """
    found = {folder: find_class_folders(folder, paths, asked) for folder, paths in training.folders.items()}
    parts = [part for part in found.values() if part is not None]
    if not parts or len({(part.level, part.group_level) for part in parts}) > 1:
        return None
    known = set().union(*(part.classes for part in parts))
    for folder in [folder for folder, part in found.items() if part is None]:
        # Another training folder may contain photos of one class only.
        if not (part := find_known_classes(folder, training.folders[folder], known, parts[0].level)):
            return None
        parts.append(part)
    first = parts[0]
    classes = set().union(*(part.classes for part in parts))
    unlabelled = []
    for folder, paths in training.more.items():
        if part := find_known_classes(folder, paths, classes, first.level):
            parts.append(part)
        else:
            unlabelled.append(folder)
    return LabelledFolders(
        tuple(part.base for part in parts),
        first.level,
        first.group_level,
        {path: label for part in parts for path, label in sorted(part.by_path.items())},
        tuple(path for part in parts for path in part.strays),
        tuple(unlabelled),
        tuple(dict.fromkeys(part.doubt for part in parts if part.doubt)),
    )
