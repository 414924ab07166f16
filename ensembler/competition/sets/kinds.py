"""Pictures that stand for photos of the same names: masks, and grey, segmented or smaller copies."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from ..layout.evidence import Evidence
from ..photo_files import PhotoFiles, compile_patterns, find_common_folder
from ..photo_names import extract_folder, extract_name, extract_suffix
from ..pictures.likeness import Look, are_versions, have_few_colours, look_at
from .photo_versions import FolderNames
from .set_names import find_other_sets, parse_set_name

# More folders beside each other are classes, unless one has the name of a mask.
_MAX_KINDS = 8
# Number of pairs of pictures that are compared.
_MAX_PAIRS = 12
_MASK_WORDS = "masks?|segmentations?|segs?|segmented|annotations?|ground_?truths?|gts?|trimaps?|contours?|labels?"
_MASK_NAME = re.compile(rf"(?<![a-z])(?:{_MASK_WORDS})(?![a-z])")
# A mask beside its photo: "benign (1)_mask_2.png".
_MASK_BESIDE = re.compile(rf"^(?P<photo>.*?)(?P<ending>[-_. ]+(?:{_MASK_WORDS}))(?:[\W_]*\d+)?$", re.IGNORECASE)
_COPY_NAME = re.compile(
    r"(?<![a-z])(?:gr[ae]y(?:scale)?|resized?|small|thumb(?:nail)?s?|crop(?:ped|s)?|augmented|aug|edges?|binary|bw)(?![a-z])"
)


@dataclass(frozen=True)
class _Pair:
    """Names of two folders beside each other, in one or more folders above, whose photos have the same names."""

    one: str
    other: str
    # The word of a set in both names, which are then no classes; otherwise empty.
    word: str
    # Folders above both, and pairs of paths.
    above: tuple[str, ...]
    matches: tuple[tuple[str, str], ...]
    is_structured: bool

    @property
    def names(self) -> tuple[str, str]:
        """Both names."""
        return self.one, self.other


def find_other_kinds(photos: PhotoFiles, evidence: Evidence) -> list[str]:
    """Return patterns of the pictures that stand for other photos: masks, and copies in another form.

    Folders beside each other (``CLASS/images`` and ``CLASS/masks``, or ``color/CLASS`` and ``grayscale/CLASS``) are of
    different kinds if their photos have the same names, and the pictures of one have few colours or resemble those of
    the other. Two folders without any other folders may be classes, so there the name must tell the kind.
    """
    patterns: list[str] = []
    look = lru_cache(maxsize=None)(look_at)
    dropped: set[tuple[str, str]] = set()
    for pair in _list_pairs(photos):
        if any((above, name) in dropped for above in pair.above for name in pair.names):
            continue
        if found := _decide(pair, photos, look, evidence):
            name, reason = found
            dropped |= {(above, name) for above in pair.above}
            for pattern in _summarise(photos, [_join(above, name) for above in pair.above], f"*/{name}"):
                patterns.append(pattern)
                evidence.leave_out(pattern, reason)
    for pattern, reason in _find_masks_beside(photos.leave_out(patterns), look):
        patterns.append(pattern)
        evidence.leave_out(pattern, reason)
    return patterns


def _list_pairs(photos: PhotoFiles) -> list[_Pair]:
    """Return the pairs of folders whose photos have the same names."""
    others = find_other_sets(photos.paths)
    found: dict[tuple[int, str, str, str], list[tuple[str, list[tuple[str, str]]]]] = defaultdict(list)
    for above, children in _group_by_child(photos).items():
        groups: dict[str, list[str]] = defaultdict(list)
        read_places = lru_cache(maxsize=None)(partial(_read_places, children))
        for name in children:
            groups[parse_set_name(name) or others.get(_join(above, name), "")].append(name)
        for word, names in groups.items():
            for one, other in itertools.combinations(sorted(names), 2) if len(names) <= _MAX_KINDS else ():
                if matches := _match_names(read_places(one), read_places(other)):
                    found[above.count("/") + bool(above), one, other, word].append((above, matches))
    return [_make_pair(one, other, word, parts, others) for (_, one, other, word), parts in found.items()]


def _make_pair(
    one: str, other: str, word: str, parts: list[tuple[str, list[tuple[str, str]]]], other_sets: Mapping[str, str]
) -> _Pair:
    above = tuple(folder for folder, _ in parts)
    matches = tuple(match for _, matched in parts for match in matched)
    are_sets = [bool(parse_set_name(folder.rpartition("/")[2])) or folder in other_sets for folder in above]
    below = {extract_folder(path) for path, _ in matches} - {_join(folder, one) for folder in above}
    return _Pair(one, other, word, above, matches, are_sets.count(False) > 1 or len(below) > 1)


def _group_by_child(photos: PhotoFiles) -> dict[str, dict[str, list[str]]]:
    """Group the paths below each folder by the folder directly below it, where there are several."""
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in photos.paths:
        parts = path.split("/")
        for depth in range(len(parts) - 1):
            groups["/".join(parts[:depth])][parts[depth]].append(path)
    return {above: children for above, children in groups.items() if len(children) > 1}


class _Places(NamedTuple):
    """Paths of the photos in a folder by their places below it, without suffixes, and the names of these places."""

    paths: dict[str, str]
    names: FolderNames


def _read_places(children: Mapping[str, list[str]], name: str) -> _Places:
    # Single folders on the way, as in annotations/trimaps, are stepped over.
    start = len(find_common_folder(children[name])) + 1
    paths = {path[start:].removesuffix(extract_suffix(path)): path for path in children[name]}
    return _Places(paths, FolderNames(paths))


def _match_names(one: _Places, other: _Places) -> list[tuple[str, str]]:
    """Pair the photos of two folders beside each other by names, if most names of the smaller one match."""
    (paths, first), (more, second) = one, other
    if first.are_mostly_in(second) or second.are_mostly_in(first):
        return [(path, more[place]) for place, path in sorted(paths.items()) if place in more]
    if second.are_made_of(first):
        bare = {place.removesuffix(second.ending): path for place, path in more.items()}
        return [(path, bare[place]) for place, path in sorted(paths.items()) if place in bare]
    if first.are_made_of(second):
        bare = {place.removesuffix(first.ending): path for place, path in paths.items()}
        return [(bare[place], path) for place, path in sorted(more.items()) if place in bare]
    return []


def _join(above: str, name: str) -> str:
    return f"{above}/{name}" if above else name


def _decide(
    pair: _Pair, photos: PhotoFiles, look: Callable[[Path], Look | None], evidence: Evidence
) -> tuple[str, str] | None:
    """Return the name of the folder to leave out, and the reason; None if both contain photos of the task."""
    step = max(1, len(pair.matches) // _MAX_PAIRS)
    looks = [
        (first, second)
        for one, other in pair.matches[::step][:_MAX_PAIRS]
        if (first := look(photos.root / one)) and (second := look(photos.root / other))
    ]
    ones, others = [first for first, _ in looks], [second for _, second in looks]
    are_masks = have_few_colours(ones), have_few_colours(others)
    told = [name for name in pair.names if _MASK_NAME.search(name.lower()) or _COPY_NAME.search(name.lower())]
    if are_masks[0] != are_masks[1]:
        dropped, kept = pair.names if are_masks[0] else (pair.other, pair.one)
        reason = f"its pictures have few colours and the names of those in {kept}, as masks have"
    elif not pair.word and are_versions(ones, others):
        dropped, kept = _choose_copy(pair, ones, others)
        reason = f"its pictures show those of {kept} in another form"
    elif len(told) == 1 and not pair.word:
        kept = pair.other if told[0] == pair.one else pair.one
        evidence.doubt(
            f"The photos in folders {told[0]} have the names of those in {kept}, but they are neither masks nor copies "
            "of the same pictures, so they are used: if they are no photos of the task, leave them out with "
            f"`--leave-out {_join(pair.above[0], told[0])}`."
        )
        return None
    else:
        return None
    if pair.is_structured or dropped in told or pair.word:
        return dropped, reason
    evidence.doubt(
        f"{dropped} is taken for a class, but {reason}: if it is none, leave it out with "
        f"`--leave-out {_join(pair.above[0], dropped)}`."
    )
    return None


def _choose_copy(pair: _Pair, ones: list[Look], others: list[Look]) -> tuple[str, str]:
    """Return the name of the folder of copies, and that of the originals."""
    ranks = [
        (
            bool(_MASK_NAME.search(name.lower()) or _COPY_NAME.search(name.lower())),
            all(look.is_grey for look in looks),
            -sum(look.pixels for look in looks),
            name,
        )
        for name, looks in zip(pair.names, (ones, others), strict=True)
    ]
    return (pair.one, pair.other) if ranks[0] > ranks[1] else (pair.other, pair.one)


def _summarise(photos: PhotoFiles, folders: list[str], pattern: str) -> list[str]:
    """Return one pattern for several folders if it matches no other photos, else the folders."""
    if len(folders) > 1:
        matches = compile_patterns([pattern])
        if {path for path in photos.paths if matches(path)} == set(photos.select_inside_any(folders).paths):
            return [pattern]
    return folders


def _find_masks_beside(photos: PhotoFiles, look: Callable[[Path], Look | None]) -> Iterator[tuple[str, str]]:
    """Yield patterns of masks in the folders of their photos, such as ``*_mask*.png``, with the reason."""
    known = {path.removesuffix(extract_suffix(path)) for path in photos.paths}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in photos.paths:
        place = path.removesuffix(extract_suffix(path))
        found = _MASK_BESIDE.match(extract_name(place))
        if found and _join(extract_folder(path), found["photo"]) in known:
            groups[found["ending"], extract_suffix(path)].append(path)
    for (ending, suffix), paths in groups.items():
        step = max(1, len(paths) // _MAX_PAIRS)
        looks = [seen for path in paths[::step][:_MAX_PAIRS] if (seen := look(photos.root / path))]
        if have_few_colours(looks):
            for pattern in _summarise_names(photos, paths, [f"*{ending}*{suffix}", f"*{ending}{suffix}"]):
                yield pattern, "its pictures have few colours and the names of photos beside them, as masks have"


def _summarise_names(photos: PhotoFiles, paths: list[str], patterns: list[str]) -> list[str]:
    for pattern in patterns:
        matches = compile_patterns([pattern])
        if {path for path in photos.paths if matches(path)} == set(paths):
            return [pattern]
    return paths
