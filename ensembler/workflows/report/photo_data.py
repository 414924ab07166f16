"""The fifth section: classes, sizes, duplicates, and the doubts of the last check."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from ...checks.result import load_check
from ...competition.duplicates import count_duplicates, load_duplicates
from ...competition.manifest import SEPARATOR
from ...competition.tables import Tables
from ...images.thumbnails import read_sizes
from ...paths import CompetitionFolder
from ...reports.facts import ClassCount, DataFacts
from .sources import Sources
from .troubles import Troubles

# Most photos whose size is read from their headers.
_MEASURED = 1000


def describe_data(sources: Sources) -> DataFacts:
    """Return the fifth section's facts. Without tables, only numbers of photos are known."""
    standing, tables, troubles = sources.standing, sources.tables, sources.troubles
    facts = DataFacts(
        training=standing.training,
        test=standing.test,
        unreadable=standing.unreadable,
        task=standing.manifest.describe(),
        folds=standing.folds,
        repeats=sources.folds.repeats if sources.folds else 1,
    )
    unchecked: dict[str, Any] = {}
    facts = replace(facts, **troubles.attempt(lambda: _describe_check(sources), unchecked))
    if tables is None:
        return replace(facts, gap=sources.explain_missing_predictions())
    sizes = _measure_photos(tables, troubles)
    return replace(
        facts,
        classes=_count_classes(tables),
        groups=int(tables.train.loc[tables.train["group"] != "", "group"].nunique()),
        widths=tuple(width for width, _ in sizes),
        heights=tuple(height for _, height in sizes),
        measured=len(sizes),
        duplicates=troubles.attempt(lambda: _count_duplicates(sources.folder, tables), {}),
    )


def _count_classes(tables: Tables) -> tuple[ClassCount, ...]:
    """Count the training photos of each class, the most frequent first."""
    if tables.manifest.is_orientation:
        return ()
    counts: Counter[str] = Counter()
    for label, count in tables.train["label"].value_counts().items():
        for name in str(label).split(SEPARATOR) if tables.manifest.task == "multilabel" else [str(label)]:
            counts[name] += int(count)
    total = max(1, len(tables.train))
    listed = sorted(tables.manifest.classes, key=lambda name: -counts[name])
    return tuple(ClassCount(name=name, photos=counts[name], share=round(counts[name] / total, 4)) for name in listed)


def _measure_photos(tables: Tables, troubles: Troubles) -> list[tuple[int, int]]:
    paths = tables.train["path"].iloc[:: tables.rows_per_photo]
    if paths.empty:
        return []
    rows = np.unique(np.linspace(0, len(paths) - 1, min(_MEASURED, len(paths))).astype(int)).tolist()
    chosen = [tables.photos / path for path in paths.iloc[rows]]
    return read_sizes(troubles.track(chosen, "reading sizes of photos", len(chosen)))


def _count_duplicates(folder: CompetitionFolder, tables: Tables) -> dict[str, int]:
    train = tables.train.drop_duplicates("path") if tables.manifest.is_orientation else tables.train
    counts = count_duplicates(load_duplicates(folder), train.set_index("id")["label"])
    return {"training": counts.training, "to_predict": counts.to_predict, "contradicting": counts.contradicting}


def _describe_check(sources: Sources) -> dict[str, Any]:
    found = load_check(sources.folder)
    if found is None:
        return {"check_gap": sources.make_gap("The data was not checked yet.", "check")}
    stale = None if found.is_current else sources.make_gap("Photos or labels changed since the check.", "check")
    return {
        "findings": found.findings,
        "clues": (*found.leaks, *found.shift),
        "left_out": found.left_out,
        "checked": found.made,
        "is_check_current": found.is_current,
        "doubts": found.doubts,
        "check_gap": stale,
    }
