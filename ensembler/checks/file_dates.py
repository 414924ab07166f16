"""Dates of photos, which unpacking does not keep: those in the archive, or else none."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ..paths import CompetitionFolder
from .photo_facts import PhotoFacts


def restore_dates(folder: CompetitionFolder, root: Path, facts: Mapping[str, PhotoFacts]) -> dict[str, PhotoFacts]:
    """Return the facts with the dates of the archive, if the photos were unpacked from one.

    The date of an unpacked file is that of unpacking, which follows the order of the archive and so may tell the label.
    It becomes NaN if the archive does not tell another.

    Parameters
    ----------
    root
        Folder of the photos.
    facts
        Facts by path relative to that folder.
    """
    if not root.is_relative_to(folder.extracted):
        return dict(facts)
    prefix = root.relative_to(folder.extracted)
    dates = _read_archive(folder.archive)
    return {
        path: replace(each, modified=dates.get((prefix / path).as_posix(), float("nan")))
        for path, each in facts.items()
    }


def _read_archive(archive: Path) -> dict[str, float]:
    if not zipfile.is_zipfile(archive):
        return {}
    with zipfile.ZipFile(archive) as opened:
        return {each.filename: _parse_date(each.date_time) for each in opened.infolist()}


def _parse_date(date: tuple[int, int, int, int, int, int]) -> float:
    try:
        return datetime(*date, tzinfo=UTC).timestamp()
    except ValueError:
        return float("nan")
