"""Properties of files that may tell a label without a look at the picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..competition.photo_names import extract_folder, extract_stem
from ..competition.task import LabelSource
from .association import Array, Property, bin_numbers, name_categories
from .photos import Photo

_TOKENS = re.compile(r"[^\W\d_]+|\d+")
# Photos that a word of the names must have, so that it can be learned from.
_LEAST_NAMES = 3
# Days that the dates of files must span. Less is the time in which they were copied or unpacked.
_COPYING_DAYS = 2
_DAY = 24 * 60 * 60
# Share of numbers in names that several classes may have in common before they count as counters of each class.
_SHARED_NUMBERS = 0.01


def list_file_clues(photos: Sequence[Photo]) -> list[Property]:
    """Return the properties of files and their headers that differ between photos."""
    facts = [photo.facts for photo in photos]
    width, height, size = (
        np.array([getattr(each, name) for each in facts], dtype=np.float64)
        for name in ("width", "height", "file_bytes")
    )
    numbers = {
        "file size": size,
        "width": width,
        "height": height,
        "aspect ratio": width / height,
        "bytes per pixel": size / (width * height),
        "JPEG quality": np.array([each.quantisation for each in facts]),
        "EXIF date": np.array([each.taken for each in facts]),
    }
    categories = {
        "format": [each.format for each in facts],
        "mode": [each.mode for each in facts],
        "EXIF rotation": [str(each.tag) for each in facts],
        "camera": [each.camera for each in facts],
    }
    found = [Property(name, bin_numbers(values)) for name, values in numbers.items()]
    found += [Property(name, name_categories(values)) for name, values in categories.items()]
    return [each for each in found if each.indicators.shape[1] > 1]


def list_modified_clue(photos: Sequence[Photo]) -> list[Property]:
    """Return the date of the files' last change, if it is older than their copying."""
    values = np.array([photo.facts.modified for photo in photos])
    days = np.unique(values[np.isfinite(values)] // _DAY)
    return [Property("file date", bin_numbers(values))] if len(days) > 1 and np.ptp(days) >= _COPYING_DAYS else []


def list_name_clues(photos: Sequence[Photo], source: LabelSource, tests: Sequence[Photo]) -> list[Property]:
    """Return properties of names, folders and the order of the table that are not the label itself.

    Parameters
    ----------
    photos
        Training photos, in the order of the table.
    source
        Source of the labels. With names, no name is a clue; with folders, only words that photos to predict have too.
    tests
        Photos to predict.
    """
    if source not in ("csv", "folders"):
        return []
    stems = [extract_stem(photo.path) for photo in photos]
    clues = [_build_number_clue(photos, stems, source)]
    words = [_list_words(stem) for stem in stems]
    if source == "folders":
        common = {word for photo in tests for word in _list_words(extract_stem(photo.path))}
        words = [each & common for each in words]
    else:
        clues.append(Property("folder", name_categories([extract_folder(photo.path) for photo in photos])))
        clues.append(Property("order of the table", bin_numbers(np.arange(len(photos), dtype=np.float64))))
    clues.append(_build_word_clue(words))
    return [clue for clue in clues if clue is not None and clue.indicators.shape[1] > 1]


def _list_words(stem: str) -> set[str]:
    return {token.lower() for token in _TOKENS.findall(stem) if not token.isdigit()}


def _build_number_clue(photos: Sequence[Photo], stems: Sequence[str], source: LabelSource) -> Property | None:
    from scipy.sparse import hstack

    found = [[token for token in _TOKENS.findall(stem) if token.isdigit()] for stem in stems]
    numbers = np.array([float(each[-1][:15]) if each else np.nan for each in found])
    if not np.isfinite(numbers).any() or (source == "folders" and _are_counters(photos, numbers)):
        return None
    last = [each[-1][-1] if each else "" for each in found]
    return Property("number in the name", hstack([bin_numbers(numbers), name_categories(last)], format="csr"))


def _are_counters(photos: Sequence[Photo], numbers: Array) -> bool:
    """Return whether each class numbers its photos itself, so that classes share numbers."""
    by_number: dict[float, set[str]] = {}
    for photo, number in zip(photos, numbers, strict=True):
        by_number.setdefault(float(number), set()).add(photo.label)
    shared = sum(len(labels) > 1 for labels in by_number.values())
    return shared > _SHARED_NUMBERS * len(by_number)


def _build_word_clue(words: Sequence[set[str]]) -> Property | None:
    from scipy.sparse import csr_array

    counts = Counter(word for each in words for word in each)
    kept = [word for word, count in counts.items() if _LEAST_NAMES <= count < len(words)]
    places = {word: place for place, word in enumerate(kept)}
    cells = [(row, places[word]) for row, each in enumerate(words) for word in each if word in places]
    if not cells:
        return None
    rows, columns = zip(*cells, strict=True)
    indicators: Any = csr_array((np.ones(len(cells)), (rows, columns)), shape=(len(words), max(len(kept), 2)))
    return Property("words of the name", indicators)
