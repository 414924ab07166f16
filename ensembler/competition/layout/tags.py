"""Labels of several words: any number of tags per photo, or names with spaces."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...errors import MissingHint
from ..metrics.metrics import Metric
from ..sample_submission import SampleSubmission
from .sample_cells import sort_classes


@dataclass(frozen=True)
class Tags:
    """Several labels per photo, separated by spaces in one column."""

    classes: tuple[str, ...]

    @classmethod
    def split(cls, values: pd.Series) -> Tags:
        """Collect all tags, sorted by number if all are numbers, else by name."""
        return cls(sort_classes(values.str.split().explode().dropna().unique()))


def are_tags(values: pd.Series, sample: SampleSubmission | None, metric: Metric | None) -> bool:
    """Return whether cells are combinations of tags rather than names with spaces, such as ``red fox``.

    The metric, the sample submission and the labels of the photos in ``values`` decide. ``MissingHint`` is raised if
    they do not.
    """
    words_of_cells = values.str.split()
    names, words = set(values) - {""}, set(words_of_cells.explode().dropna())
    # Cells may be tags if some have several words, and there are fewer words than cells.
    if not any(len(cell) > 1 for cell in words_of_cells) or len(words) >= values.nunique():
        return False
    judges_tags = metric is not None and metric.name.startswith("sample ")
    # Tags also occur alone. The words of names do not.
    alone = bool(names & words)
    if judges_tags and alone:
        return True
    if sample is not None and (decision := _decide_by_sample(sample, names, words)) is not None:
        return decision
    if alone or metric is not None:
        return alone or judges_tags
    raise MissingHint(
        f"The label {min(names)!r} may be one name or several tags: set `--metric accuracy` for names, or "
        "`--metric 'sample f1'` for tags."
    )


def _decide_by_sample(sample: SampleSubmission, names: set[str], words: set[str]) -> bool | None:
    """Return whether the sample's cells or columns are tags rather than names; None if they do not decide."""
    if len(sample.columns) > 1:
        columns = {normalise_name(column) for column in sample.columns}
        return not columns >= {normalise_name(name) for name in names}
    if not sample.cells or not {word for cell in sample.cells for word in cell.split()} <= words:
        return None
    if sample.cells <= names:
        return False if any(len(cell.split()) > 1 for cell in sample.cells) else None
    return True


def normalise_name(name: str) -> str:
    """Return a name in lower case and without punctuation, to compare classes with columns."""
    return "".join(filter(str.isalnum, name.lower())) or name
