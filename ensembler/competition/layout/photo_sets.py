"""Training and test photos, by the names of their folders."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import PurePosixPath

from ...errors import BadData
from ..manifest import TestLayout
from ..photo_files import PhotoFiles, find_common_folder
from ..photo_names import extract_folder, extract_stem, extract_suffix
from ..sample_submission import SampleSubmission
from .photo_versions import select_one_version

# Endings of "train" and "test" in names of folders; "trainers" may be a class.
_SET_ENDINGS = "(?:ing|set|data|images?|imgs?|photos?|pictures?|pics?)?"
_SETS = ("train", "test")
# The first available format is used. Other formats come between the two: tif files may contain more bands and bits than
# a photo.
_PREFERRED_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_LAST_SUFFIXES = (".gif", ".tif", ".tiff")


def select_set(photos: PhotoFiles, word: str) -> list[str]:
    """Return the paths below folders whose names contain ``word``, such as ``train_images``."""
    return [path for path in photos.paths if find_set(path) == word]


def find_set(path: str) -> str:
    """Return the set that the folders of a path name: ``train``, ``test`` or an empty string.

    A folder with only the name of a set (``test1``) outweighs one with more words (``test_tube``), which may be a
    class. Of the former the deepest counts, of the latter the first.
    """
    return _find_set_of_folder(extract_folder(path))


@lru_cache(maxsize=1 << 16)
def _find_set_of_folder(folder: str) -> str:
    named = [(word, part) for part in PurePosixPath(folder).parts if (word := _parse_set_name(part))]
    plain = [word for word, part in named if re.fullmatch(rf"{word}[\W_]*{_SET_ENDINGS}[\W_]*\d*", part.lower())]
    return plain[-1] if plain else named[0][0] if named else ""


def _parse_set_name(part: str) -> str:
    """Return the set in the name of a folder; an empty string if it contains both or none."""
    words = [word for word in _SETS if _has_set_word(part, word)]
    return words[0] if len(words) == 1 else ""


def _has_set_word(part: str, word: str) -> bool:
    return bool(re.search(rf"(?<![a-z]){word}{_SET_ENDINGS}(?![a-z])", part.lower()))


def find_set_folder(paths: list[str], word: str) -> str:
    """Return the folder that names the set, or the common parent of several."""
    folders = {_extract_set_folder(path, word) for path in paths}
    return folders.pop() if len(folders) == 1 else find_common_folder(paths)


def _extract_set_folder(path: str, word: str) -> str:
    return "/".join(path.split("/")[: _find_set_depth(extract_folder(path), word)])


@lru_cache(maxsize=1 << 16)
def _find_set_depth(folder: str, word: str) -> int:
    """Return the depth of the first part of ``folder`` named after the set; 0 if there is none."""
    parts = PurePosixPath(folder).parts
    return next((depth for depth, part in enumerate(parts, start=1) if _has_set_word(part, word)), 0)


def split_path_below(path: str, folder: str) -> list[str]:
    """Return the parts of a path below ``folder``, or below the folder of its set if that is deeper."""
    depth = 0 if folder == "." else len(PurePosixPath(folder).parts)
    if not find_set(f"{folder}/photo") and (word := find_set(path)):
        depth = max(depth, _find_set_depth(extract_folder(path), word))
    return path.split("/")[depth:]


def find_training_set(photos: PhotoFiles) -> tuple[str, PhotoFiles]:
    """Return the folder of the training photos, and these photos.

    Without a folder named train, all photos outside folders named test are training photos. Of folders with the same
    photos in several formats or sizes, such as ``train-jpg`` and ``train-tif``, one is used.
    """
    named = select_one_version(group_by_folder(photos, "train"), group_by_folder(photos, "test"))
    rest = named or [path for path in photos.paths if find_set(path) != "test"]
    folder = find_set_folder(named, "train") if named else find_common_folder(rest)
    return folder, PhotoFiles(photos.root, tuple(rest))


def group_by_folder(photos: PhotoFiles, word: str) -> dict[str, list[str]]:
    """Group the paths of a set by the folder that names it; folders of preferred formats come first."""
    folders: dict[str, list[str]] = {}
    for path in select_set(photos, word):
        folders.setdefault(_extract_set_folder(path, word), []).append(path)
    return dict(sorted(folders.items(), key=lambda item: (_rank_format(item[1]), item[0])))


def _rank_format(paths: list[str]) -> int:
    suffix, _ = Counter(extract_suffix(path).lower() for path in paths).most_common(1)[0]
    if suffix in _PREFERRED_SUFFIXES:
        return _PREFERRED_SUFFIXES.index(suffix)
    return len(_PREFERRED_SUFFIXES) + (_LAST_SUFFIXES.index(suffix) + 1 if suffix in _LAST_SUFFIXES else 0)


def find_test_layout(photos: PhotoFiles, sample: SampleSubmission) -> TestLayout:
    """Find the folders of the photos to predict: those named test that contain the sample's ids, else any.

    ``BadData`` is raised if no id is the name of a photo.
    """
    folders = _select_answering(group_by_folder(photos, "test"), photos, sample)
    if folders:
        return TestLayout(folders[0], tuple(folders[1:]))
    named = select_set(photos, "test")
    matched = [] if named else [path for identity in sample.ids if (path := photos.find(identity))]
    if not matched:
        raise _make_unanswered_error(sample, PhotoFiles(photos.root, tuple(named)) if named else photos)
    return TestLayout(find_common_folder(matched))


def _make_unanswered_error(sample: SampleSubmission, photos: PhotoFiles) -> BadData:
    """Return the error of a sample without ids of photos, with the reason if several ids belong to one photo."""
    identity = sample.ids[0]
    reason = f"The ids of {sample.path} (first: {identity!r})"
    for path in photos.paths:
        above = [part for part in PurePosixPath(path).parts[:-1] if not _parse_set_name(part)]
        names = [*above, extract_stem(path)]
        if any(_has_prefix(name, identity) or _has_prefix(identity, name) for name in names):
            return BadData(
                f"{reason} do not stand for one photo each, as {photos.root / path} shows: only competitions with one "
                "row per photo file are supported."
            )
    where = photos.root / find_common_folder(photos.paths)
    return BadData(f"{reason} are not names of photos in {where}: name another file with --sample FILE.")


def _has_prefix(name: str, start: str) -> bool:
    """Return whether a name equals ``start``, or continues it after a separator."""
    return name == start or bool(re.match(rf"{re.escape(start)}[\W_]", name))


def _select_answering(folders: dict[str, list[str]], photos: PhotoFiles, sample: SampleSubmission) -> list[str]:
    """Return the folders that contain ids missing in the folders before them."""
    missing, answering = sample.ids, []
    for folder, paths in folders.items():
        inside = PhotoFiles(photos.root, tuple(paths))
        left = [identity for identity in missing if not inside.find(identity)]
        if len(left) < len(missing):
            answering.append(folder)
        missing = left
    return answering
