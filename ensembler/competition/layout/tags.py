"""Labels of several words: any number of tags per photo, or names with spaces."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...errors import MissingHint
from ..manifest import SEPARATOR
from ..metrics.metrics import Metric
from ..photo_ids import normalise_text
from ..sample_submission import SampleSubmission
from ..tag_cells import BLANK, LIST, detect_separator, join_tags, split_cell, split_cells
from .sample_cells import sort_classes

# Metrics of one class for each photo.
_METRICS_OF_NAMES = ("accuracy", "log loss", "quadratic weighted kappa")
# Many more combinations than words are tags, even if few of the words occur alone.
_MIN_CELLS_PER_WORD = 5
# From this share of photos on, several rows of a photo are its tags rather than mistakes.
_MIN_SEVERAL_ROWS = 0.05


@dataclass(frozen=True)
class Tags:
    """Several labels per photo, in one column."""

    classes: tuple[str, ...]

    @classmethod
    def split(cls, values: pd.Series, separator: str = BLANK) -> Tags:
        """Collect all tags, sorted by number if all are numbers, else by name."""
        return cls(sort_classes(split_cells(values, separator).explode().dropna().unique()))


def find_tag_separator(values: pd.Series, sample: SampleSubmission | None, metric: Metric | None) -> str | None:
    """Return the separator of the tags in ``values``; None if each cell is one name.

    Errors are those of :func:`are_tags`.
    """
    if metric is not None and metric.name in _METRICS_OF_NAMES:
        return None
    separator = detect_separator(values.unique())
    # These separators are part of no name.
    if separator in (LIST, SEPARATOR) or (separator != BLANK and are_tags(values, sample, metric, separator)):
        return separator
    return BLANK if are_tags(values, sample, metric) else None


def are_tags_in_rows(paths: pd.Series, metric: Metric | None) -> bool:
    """Return whether several rows of one photo are its tags. ``paths`` contains the photo of each row."""
    if metric is not None and "multilabel" not in metric.tasks:
        return False
    several = paths[paths.duplicated()].nunique()
    return several >= _MIN_SEVERAL_ROWS * paths.nunique() and several > 0


def are_tags(values: pd.Series, sample: SampleSubmission | None, metric: Metric | None, separator: str = BLANK) -> bool:
    """Return whether cells are combinations of tags rather than names with separators in them, such as ``red fox``.

    The labels of the photos in ``values``, the metric and the sample submission decide. ``MissingHint`` is raised if
    they do not.
    """
    words_of_cells = split_cells(values, separator)
    names = {join_tags(cell, separator) for cell in words_of_cells} - {""}
    words = set(words_of_cells.explode().dropna())
    # Cells may be tags if some have several words, and there are fewer words than cells.
    if not any(len(cell) > 1 for cell in words_of_cells) or len(words) >= len(names):
        return False
    if sample is not None and len(sample.columns) > 1:
        columns = {normalise_name(column) for column in sample.columns}
        return not columns >= {normalise_name(name) for name in values.unique() if name}
    judges_tags = metric is not None and metric.name.startswith("sample ")
    # Tags also occur alone. The words of names do not.
    alone = names & words
    if len(alone) > len(words) / 2 or len(names) >= _MIN_CELLS_PER_WORD * len(words) or (judges_tags and alone):
        return True
    if sample is not None and (decision := _decide_by_cells(sample.cells, names, words, separator)) is not None:
        return decision
    if alone or metric is not None:
        return bool(alone) or judges_tags
    raise MissingHint(
        f"The label {min(names)!r} may be one name or several tags: set `--metric accuracy` for names, or "
        "`--metric 'sample f1'` for tags."
    )


def _decide_by_cells(cells: frozenset[str], names: set[str], words: set[str], separator: str) -> bool | None:
    """Return whether the sample's cells are tags rather than names; None if they do not decide."""
    shown = [split_cell(cell, separator) for cell in cells]
    if not cells or not {word for cell in shown for word in cell} <= words:
        return None
    if cells <= names:
        return False if any(len(cell) > 1 for cell in shown) else None
    return True


def normalise_name(name: str) -> str:
    """Return a name in lower case, in one Unicode form and without punctuation, to compare classes with columns."""
    return "".join(filter(str.isalnum, normalise_text(name).lower())) or name
