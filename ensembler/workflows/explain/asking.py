"""The photos and classes that a call names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import BadChoice, format_count, format_first
from ...explanations.asked import AskedPhoto, KnownPhotos
from ...explanations.pictures import choose_picture_names, is_own_picture
from ...explanations.sources import ExplainedSource
from ...options.arguments import Paths
from ...progress import Progress
from ..predict import list_photo_files

# Class of --class that stands for each photo's own label.
TRUE_CLASS = "true"


def list_asked(named: Paths, known: KnownPhotos | None) -> list[AskedPhoto]:
    """Return the photos that a call names by paths, folders and ids, each once.

    Raises
    ------
    BadChoice
        If there is no such file and no photo of that id.
    """
    listed = [named] if isinstance(named, str | os.PathLike) else list(named)
    if known is None:
        return list(dict.fromkeys(AskedPhoto(str(path.absolute())) for path in list_photo_files(listed)))
    asked: list[AskedPhoto] = []
    for each in listed:
        if Path(each).exists():
            asked += [known.find_path(path) for path in list_photo_files([each])]
        else:
            asked.append(known.find_id(str(each)))
    return list(dict.fromkeys(asked))


def keep_pictures_apart(asked: Sequence[AskedPhoto], output: Path, progress: Progress) -> list[AskedPhoto]:
    """Leave out the pictures that an earlier call drew into the same folder.

    Raises
    ------
    BadChoice
        If nothing is left, or a new picture would replace another file than such a picture.
    """
    drawn = {photo.path for photo in asked if _lies_in(photo, output) and is_own_picture(Path(photo.path))}
    left = [photo for photo in asked if photo.path not in drawn]
    if not left:
        raise BadChoice(f"{output} contains only pictures of earlier explanations: name photos.")
    if drawn:
        names = format_first(sorted(Path(path).name for path in drawn))
        progress.note(f"Left out {format_count(drawn, 'picture')} of earlier explanations: {names}.")
    for name in choose_picture_names([photo.name for photo in left]):
        if (output / name).exists() and not is_own_picture(output / name):
            raise BadChoice(
                f"{output / name} is in the place of a picture, and no earlier explanation drew it: choose another "
                "folder with --output."
            )
    return left


def _lies_in(photo: AskedPhoto, folder: Path) -> bool:
    return Path(photo.path).resolve().is_relative_to(folder.resolve())


def choose_classes(
    asked: Sequence[AskedPhoto], class_name: str | None, source: ExplainedSource, progress: Progress
) -> list[AskedPhoto]:
    """Return the photos with the class that is explained of each, as ``class_name`` of :func:`.explain` says."""
    if class_name is None:
        return list(asked)
    if class_name != TRUE_CLASS or class_name in (*source.classes, *source.class_names):
        number = source.find_class(class_name)
        return [replace(photo, class_number=number) for photo in asked]
    if source.task == "multilabel":
        raise BadChoice(f"A photo may have several labels, so `--class {TRUE_CLASS}` does not say which: name one.")
    if unknown := [photo for photo in asked if not photo.label]:
        progress.note(f"The predicted class is explained for {format_count(unknown, 'photo')} without a known label.")
    return [replace(photo, class_number=source.find_class(photo.label)) if photo.label else photo for photo in asked]
