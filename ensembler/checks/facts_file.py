"""The facts about all photos. They are stored, so that a further check reads only photos that are new or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..competition.pixels import PixelRule
from ..errors import BadData
from ..images.loading.pools import map_photos
from ..images.similarity import Thumbnail
from ..progress import Progress
from ..serialization import read_arrays, write_arrays
from .photo_facts import PhotoFacts, read_photo_facts

# Counts the changes of what the facts are and how they are measured.
_VERSION = 1
_PLAIN_FIELDS = tuple(each.name for each in fields(PhotoFacts) if each.name not in ("problem", "colours", "thumbnail"))


def read_facts(
    root: Path,
    paths: Sequence[str],
    rule: PixelRule,
    progress: Progress,
    compared: frozenset[str] = frozenset(),
    store: Path | None = None,
) -> dict[str, PhotoFacts]:
    """Return the facts about photos by path, and store them, also those of an interrupted call.

    Parameters
    ----------
    root, paths
        Folder, and paths of the photos relative to it.
    rule
        The competition's rule of pixels.
    compared
        Paths of the photos that need a digest and a thumbnail.
    store
        File of the facts that earlier calls read. None stores nothing.
    """
    stored = load_facts(store, rule) if store else {}
    known = {path: stored[path] for path in paths if path in stored}
    facts = {path: each for path, each in known.items() if _is_current(root / path, each, path in compared)}
    missing = [path for path in paths if path not in facts]
    if not missing:
        return facts
    try:
        with map_photos(partial(_read_facts, rule), [(root / path, path in compared) for path in missing]) as read:
            tracked = progress.track(read, "look at photos", len(missing), "photos")
            facts.update(zip(missing, tracked, strict=True))
    finally:
        if store:
            save_facts(store, rule, facts)
    return facts


def _read_facts(rule: PixelRule, photo: tuple[Path, bool]) -> PhotoFacts:
    path, compare = photo
    return read_photo_facts(path, rule, compare=compare)


def _is_current(path: Path, facts: PhotoFacts, is_compared: bool) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    is_same = (status.st_size, status.st_mtime) == (facts.file_bytes, facts.modified)
    return is_same and bool(facts.digest or not is_compared)


def load_facts(path: Path, rule: PixelRule) -> dict[str, PhotoFacts]:
    """Return the stored facts by path. Empty if there are none, or if they are damaged or those of another rule."""
    if not path.is_file():
        return {}
    try:
        stored = read_arrays(path)
        return _read_rows(stored) if str(stored["origin"]) == _describe_origin(rule) else {}
    except (BadData, KeyError, ValueError):
        return {}


def save_facts(path: Path, rule: PixelRule, facts: Mapping[str, PhotoFacts]) -> None:
    """Store the facts about photos that can be decoded. Others are read again by each check."""
    kept = {name: each for name, each in facts.items() if not each.problem}
    thumbnails = [each.thumbnail for each in kept.values() if each.thumbnail is not None]
    write_arrays(
        path,
        origin=np.array(_describe_origin(rule)),
        paths=np.array(list(kept), dtype=str),
        colours=np.array([each.colours for each in kept.values()]),
        has_thumbnail=np.array([each.thumbnail is not None for each in kept.values()], dtype=bool),
        **{name: np.array([part[place] for part in thumbnails]) for place, name in enumerate(Thumbnail._fields)},
        **{f"fact_{name}": np.array([getattr(each, name) for each in kept.values()]) for name in _PLAIN_FIELDS},
    )


def _describe_origin(rule: PixelRule) -> str:
    return f"{_VERSION} {rule.keys}"


def _read_rows(stored: Mapping[str, Any]) -> dict[str, PhotoFacts]:
    columns = [stored[f"fact_{name}"].tolist() for name in _PLAIN_FIELDS]
    thumbnails = map(Thumbnail, stored["grey"], stored["colour"])
    return {
        path: PhotoFacts(
            **dict(zip(_PLAIN_FIELDS, values, strict=True)),
            colours=tuple(colours),
            thumbnail=next(thumbnails) if has_thumbnail else None,
        )
        for path, colours, has_thumbnail, *values in zip(
            stored["paths"].tolist(),
            stored["colours"].tolist(),
            stored["has_thumbnail"].tolist(),
            *columns,
            strict=True,
        )
    }
