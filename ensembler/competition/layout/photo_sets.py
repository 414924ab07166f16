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

# Endings of "train" and "test" in a folder's name; "trainers" may be a class.
_SET_ENDINGS = "(?:ing|set|data|images?|imgs?|photos?|pictures?|pics?)?"
_SETS = ("train", "test")
# Of the same photos in several formats the first is taken: tif files may hold more bands and bits than a photo has.
_PREFERRED_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def select_set(photos: PhotoFiles, word: str) -> list[str]:
    """Paths below a folder whose name has ``word`` in it, such as ``train_images``."""
    return [path for path in photos.paths if find_set(path) == word]


def find_set(path: str) -> str:
    """Which set the folders of a path name: ``train``, ``test`` or none.

    A folder named after nothing but a set (``test1``) counts before one that has more in its name (``test_tube``), for
    that may be a class; of the former the deepest counts, of the latter the first.
    """
    return _find_set_of_folder(extract_folder(path))


@lru_cache(maxsize=1 << 16)
def _find_set_of_folder(folder: str) -> str:
    named = [(word, part) for part in PurePosixPath(folder).parts if (word := _parse_set_name(part))]
    plain = [word for word, part in named if re.fullmatch(rf"{word}[\W_]*{_SET_ENDINGS}[\W_]*\d*", part.lower())]
    return plain[-1] if plain else named[0][0] if named else ""


def _parse_set_name(part: str) -> str:
    """Return the set that a folder's name has in it; none if it has both."""
    words = [word for word in _SETS if _has_set_word(part, word)]
    return words[0] if len(words) == 1 else ""


def _has_set_word(part: str, word: str) -> bool:
    return bool(re.search(rf"(?<![a-z]){word}{_SET_ENDINGS}(?![a-z])", part.lower()))


def find_set_folder(paths: list[str], word: str) -> str:
    """Return the folder that names the set, the common one if there are several."""
    folders = {_extract_set_folder(path, word) for path in paths}
    return folders.pop() if len(folders) == 1 else find_common_folder(paths)


def _extract_set_folder(path: str, word: str) -> str:
    return "/".join(path.split("/")[: _find_set_depth(extract_folder(path), word)])


@lru_cache(maxsize=1 << 16)
def _find_set_depth(folder: str, word: str) -> int:
    """Count the leading parts of ``folder`` that lead to the one named after the set; 0 if none is."""
    for depth, part in enumerate(PurePosixPath(folder).parts, start=1):
        if _has_set_word(part, word):
            return depth
    return 0


def split_path_below(path: str, folder: str) -> list[str]:
    """Return the parts of a path below ``folder``, and below the folder of its set if that lies deeper."""
    depth = 0 if folder == "." else len(PurePosixPath(folder).parts)
    if not find_set(f"{folder}/photo") and (word := find_set(path)):
        depth = max(depth, _find_set_depth(extract_folder(path), word))
    return path.split("/")[depth:]


def find_training_set(photos: PhotoFiles) -> tuple[str, PhotoFiles]:
    """Return the folder of the training photos, and those photos: all that are not named test if none is named train.

    Of folders with the same photos in several formats or sizes, such as ``train-jpg`` and ``train-tif``, one is taken.
    """
    named = select_one_version(
        _group_by_folder(select_set(photos, "train"), "train"), _group_by_folder(select_set(photos, "test"), "test")
    )
    rest = named or [path for path in photos.paths if find_set(path) != "test"]
    folder = find_set_folder(named, "train") if named else find_common_folder(rest)
    return folder, PhotoFiles(photos.root, tuple(rest))


def _group_by_folder(paths: list[str], word: str) -> dict[str, list[str]]:
    """Put paths together by the folder that names their set, folders of preferred formats first."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(_extract_set_folder(path, word), []).append(path)
    return dict(sorted(folders.items(), key=lambda item: (_rank_format(item[1]), item[0])))


def _rank_format(paths: list[str]) -> int:
    suffix, _ = Counter(extract_suffix(path).lower() for path in paths).most_common(1)[0]
    return _PREFERRED_SUFFIXES.index(suffix)


def find_test_layout(photos: PhotoFiles, sample: SampleSubmission) -> TestLayout:
    """Find the folders of the photos to predict: those named test that have the sample's ids, else any.

    Raises
    ------
    BadData
        If no photo has the name of an id.
    """
    named = select_set(photos, "test")
    folders = _select_answering(_group_by_folder(named, "test"), photos, sample)
    if folders:
        return TestLayout(folders[0], tuple(folders[1:]))
    matched = [] if named else [path for identity in sample.ids if (path := photos.find(identity))]
    if not matched:
        raise _make_unanswered_error(sample, PhotoFiles(photos.root, tuple(named)) if named else photos)
    return TestLayout(find_common_folder(matched))


def _make_unanswered_error(sample: SampleSubmission, photos: PhotoFiles) -> BadData:
    """Say that no photo has the name of an id, and why another sample submission would not help, if that is known."""
    identity = sample.ids[0]
    asks = f"{sample.path} asks for ids like {identity!r}"
    for path in photos.paths:
        above = [part for part in PurePosixPath(path).parts[:-1] if not _parse_set_name(part)]
        names = [*above, extract_stem(path)]
        if any(_has_prefix(name, identity) or _has_prefix(identity, name) for name in names):
            return BadData(
                f"{asks}, which do not stand for one photo each (see {photos.root / path}): only competitions that ask "
                "for one row for each photo file can be answered."
            )
    where = photos.root / find_common_folder(photos.paths)
    return BadData(f"{asks}, but no photo in {where} has such a name: name another file with --sample.")


def _has_prefix(name: str, start: str) -> bool:
    """Whether a name is another one, or that with more after a separator."""
    return name == start or bool(re.match(rf"{re.escape(start)}[\W_]", name))


def _select_answering(folders: dict[str, list[str]], photos: PhotoFiles, sample: SampleSubmission) -> list[str]:
    """Return the folders that have ids which those before them lack."""
    missing, answering = sample.ids, []
    for folder, paths in folders.items():
        inside = PhotoFiles(photos.root, tuple(paths))
        left = [identity for identity in missing if not inside.find(identity)]
        if len(left) < len(missing):
            answering.append(folder)
        missing = left
    return answering
