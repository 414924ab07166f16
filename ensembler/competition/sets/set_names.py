"""Names of folders that stand for a set of photos: for training, validation or prediction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from ..photo_names import extract_folder

TRAIN, TEST, VALIDATION = "train", "test", "validation"

# Endings of "train" and "test" in names of folders; "trainers" may be a class.
_SET_ENDINGS = "(?:ing|set|data|images?|imgs?|photos?|pictures?|pics?)?"
_SETS = (TRAIN, TEST)
# Other names of sets. They may also be names of classes, so they count only beside a folder for training or prediction.
_OTHER_NAMES = {
    VALIDATION: "validation|validate|valid|val|development|dev",
    TEST: "evaluation|eval|predictions?|predict|pred|inference",
}


def find_set(path: str) -> str:
    """Return the set that the folders of a path name: ``train``, ``test`` or an empty string.

    A folder with only the name of a set (``test1``) outweighs one with more words (``test_tube``), which may be a
    class. Of the former the deepest counts, of the latter the first.
    """
    return _find_set_of_folder(extract_folder(path))


@lru_cache(maxsize=1 << 16)
def _find_set_of_folder(folder: str) -> str:
    named = [(word, part) for part in PurePosixPath(folder).parts if (word := parse_set_name(part))]
    plain = [word for word, part in named if re.fullmatch(rf"{word}[\W_]*{_SET_ENDINGS}[\W_]*\d*", part.lower())]
    return plain[-1] if plain else named[0][0] if named else ""


def parse_set_name(part: str) -> str:
    """Return the set in the name of a folder, train or test; an empty string if it contains both or none."""
    words = [word for word in _SETS if _has_set_word(part, word)]
    return words[0] if len(words) == 1 else ""


def _has_set_word(part: str, word: str) -> bool:
    return bool(re.search(rf"(?<![a-z]){word}{_SET_ENDINGS}(?![a-z])", _separate_words(part)))


def _separate_words(part: str) -> str:
    """Return a name in lower case, with the words of ``PublicTest`` separated."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", part).lower()


def find_set_folder(path: str, word: str) -> str:
    """Return the first folder on the way to a photo that is named after the set ``word``; ``""`` if there is none."""
    return _find_folder_of_set(extract_folder(path), word)


@lru_cache(maxsize=1 << 16)
def _find_folder_of_set(folder: str, word: str) -> str:
    parts = PurePosixPath(folder).parts
    return next(("/".join(parts[:depth]) for depth, part in enumerate(parts, 1) if _has_set_word(part, word)), "")


def find_other_sets(paths: Iterable[str]) -> dict[str, str]:
    """Return folders with other names of sets, such as ``valid`` and ``seg_pred``, and their sets.

    They count only beside a folder with a name of training or test photos, since ``valid`` and ``invalid`` may be
    classes.
    """
    children: dict[str, set[str]] = {}
    for folder in {extract_folder(path) for path in paths}:
        parts = folder.split("/") if folder else []
        for depth, part in enumerate(parts):
            children.setdefault("/".join(parts[:depth]), set()).add(part)
    found: dict[str, str] = {}
    for parent, names in children.items():
        if not any(map(parse_set_name, names)):
            continue
        for name in names:
            if not any(_has_set_word(name, word) for word in _SETS) and (word := _parse_other_name(name)):
                found[f"{parent}/{name}" if parent else name] = word
    return found


def _parse_other_name(part: str) -> str:
    words = [
        word
        for word, names in _OTHER_NAMES.items()
        if re.search(rf"(?<![a-z])(?:{names}){_SET_ENDINGS}(?![a-z])", _separate_words(part))
    ]
    return words[0] if len(words) == 1 else ""
