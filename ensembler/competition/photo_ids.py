"""The search for a photo by an id that is not spelled like its file.

Tables name photos by paths from another machine, with backslashes, in another case, with another suffix, by the folder
of the photo, or by numbers without their leading zeros. An id stands for a photo only if no other photo fits as well.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from .photo_names import extract_folder, extract_name, extract_stem, extract_suffix

_SUFFIX = re.compile(r"\.[A-Za-z]\w{1,4}$")
_NUMBER = re.compile(r"(0|[1-9]\d*)(\.0*)?")
_ADDRESS = re.compile(r"([A-Za-z][\w+.-]*)://[^/]*/")
# Fewer folders with one photo each may be small classes.
_MIN_ID_FOLDERS = 5
# More candidates for the nearest name would take seconds.
_MAX_COMPARED = 2_000

EXACT = "its name or path"
_RULES = {
    EXACT: "by name or path",
    "form": "by the same letters in another Unicode form",
    "path": "by the end of a path",
    "case": "in another case",
    "suffix": "without or with another suffix",
    "number": "by number, without leading zeros",
    "folder": "by the folder of the photo",
}


def normalise_text(text: str) -> str:
    """Return a text in the composed Unicode form (NFC), which zips from macOS do not use for names."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _strip_address(identity: str) -> str:
    """Return the path in an address, decoded and without query where it is one of the web."""
    if not (found := _ADDRESS.match(identity)):
        return identity
    path = identity[found.end() :]
    return unquote(re.split("[?#]", path)[0]) if found[1].lower() in ("http", "https") else path


def _strip_suffixes(name: str) -> str:
    """Return a name without its suffixes, ``x`` for ``x.jpg`` and ``x.jpg.jpg``."""
    while found := _SUFFIX.search(name):
        if found.start() == 0:
            break
        name = name[: found.start()]
    return name


class LooseNames:
    """Photos by the parts of their names that tables keep.

    Parameters
    ----------
    paths
        Paths of the photos, relative to one folder, with forward slashes.
    root
        Folder that the paths are relative to. It may contain other photos too.
    """

    def __init__(self, paths: Sequence[str], root: Path) -> None:
        self._exists = lru_cache(maxsize=1 << 12)(lambda folder: (root / folder).is_dir())
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        numbers: defaultdict[int, list[str]] = defaultdict(list)
        for path in paths:
            stem = _strip_suffixes(normalise_text(extract_name(path))).lower()
            self._by_stem[stem].append(path)
            if stem.isascii() and stem.isdigit():
                numbers[int(stem)].append(path)
        self._by_number = {number: found[0] for number, found in numbers.items() if len(found) == 1}
        self._by_folder = _index_folders(paths)
        self._folders = frozenset(
            part.lower() for folder in {extract_folder(path) for path in paths} for part in folder.split("/")
        )

    def find(self, identity: str) -> str:
        """Return the path of the only photo that fits ``identity``, or an empty string."""
        bare = normalise_text(_strip_address(identity.strip())).replace("\\", "/").strip("/")
        while bare.startswith("./"):
            bare = bare[2:]
        if not bare:
            return ""
        if candidates := self._by_stem.get(_strip_suffixes(extract_name(bare)).lower()):
            return self._choose_candidate(bare, candidates)
        number = int(found[1]) if (found := _NUMBER.fullmatch(bare)) else -1
        return self._by_number.get(number) or self._by_folder.get(bare.lower(), "")

    def _choose_candidate(self, identity: str, candidates: list[str]) -> str:
        """Return the candidate that shares most of the last folders with ``identity``; empty if several do.

        Of photos that differ only by case or suffix, the one spelled like the identity counts. A photo in another
        folder than an identity names is not meant if that folder exists.
        """
        ranks = {path: _rank_candidate(identity, path) for path in candidates}
        best = max(ranks.values())
        chosen = [path for path, rank in ranks.items() if rank == best]
        above = extract_folder(identity)
        is_elsewhere = above and not best[0] and (extract_name(above).lower() in self._folders or self._exists(above))
        return "" if len(chosen) > 1 or is_elsewhere else chosen[0]


def _index_folders(paths: Sequence[str]) -> dict[str, str]:
    """Map folders that are named after their only photo's id, in lower case, to that photo.

    Beside such a folder there are several others with one photo each, unlike beside a class with one photo. Of several
    folders with one name none counts.
    """
    photos = Counter(map(extract_folder, paths))
    beside: defaultdict[str, list[bool]] = defaultdict(list)
    for folder, count in photos.items():
        beside[extract_folder(folder)].append(count == 1)
    with_ids = {above for above, alone in beside.items() if all(alone) and len(alone) >= _MIN_ID_FOLDERS}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder = extract_folder(path)
        if photos[folder] == 1 and extract_folder(folder) in with_ids:
            lower = normalise_text(folder).lower()
            for name in {lower, extract_name(lower)}:
                found[name].append(path)
    return {name: several[0] for name, several in found.items() if name and len(several) == 1}


def _rank_candidate(identity: str, path: str) -> tuple[int, bool, bool]:
    wanted, given = extract_folder(identity).split("/"), extract_folder(normalise_text(path)).split("/")
    shared = 0
    for one, other in zip(reversed(wanted), reversed(given), strict=False):
        if one.lower() != other.lower():
            break
        shared += 1
    name, other_name = extract_name(identity), extract_name(normalise_text(path))
    return shared, name.lower() == other_name.lower(), name in (other_name, extract_stem(other_name))


def describe_difference(identity: str, path: str) -> str:
    """Return how an id differs from the path of its photo, as a phrase such as ``in another case``."""
    name, wanted = extract_name(path), extract_name(_strip_address(identity).replace("\\", "/"))
    if identity in (name, extract_stem(name), path, path.removesuffix(extract_suffix(path))):
        return _RULES[EXACT]
    if normalise_text(wanted) in (normalise_text(name), normalise_text(extract_stem(name))):
        return _RULES["path" if wanted in (name, extract_stem(name)) else "form"]
    lower = normalise_text(name).lower()
    if normalise_text(wanted).lower() in (lower, extract_stem(lower)):
        return _RULES["case"]
    if _strip_suffixes(normalise_text(wanted)).lower() == _strip_suffixes(lower):
        return _RULES["suffix"]
    return _RULES["number" if _NUMBER.fullmatch(wanted) and extract_stem(name).isdigit() else "folder"]


def describe_matching(pairs: Iterable[tuple[str, str]]) -> str:
    """Describe how ids name their photos, from pairs of id and path. Rules other than exact names have an example."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for identity, path in pairs:
        if path:
            name = path.rpartition("/")[2]
            # Nearly all ids are names, and a table may have a million.
            plain = identity in (name, name.rpartition(".")[0])
            rule = _RULES[EXACT] if plain else describe_difference(identity, path)
            counts[rule] += 1
            examples.setdefault(rule, f"{identity} is {path}")
    if set(counts) <= {_RULES[EXACT]}:
        return ""
    shown = {rule: "" if rule == _RULES[EXACT] else f" ({example})" for rule, example in examples.items()}
    return ", ".join(f"{count} {rule}{shown[rule]}" for rule, count in counts.most_common())


def find_nearest(identity: str, paths: Sequence[str]) -> str:
    """Return the photo with the name most like ``identity``, to show in a message; empty without photos."""
    stems = sorted((extract_stem(path).lower(), path) for path in paths)
    wanted = _strip_suffixes(extract_name(identity.replace("\\", "/"))).lower()
    place = bisect_left(stems, (wanted, ""))
    near = stems[max(0, place - _MAX_COMPARED // 2) : place + _MAX_COMPARED // 2]
    return max(near, key=lambda item: SequenceMatcher(None, wanted, item[0]).ratio(), default=("", ""))[1]
