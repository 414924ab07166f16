"""The task, its classes and their order, from the labels and the sample submission's columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData, MissingHint, format_count
from ..manifest import SEPARATOR
from ..sample_submission import SampleSubmission
from ..task import AnswerKind, Task
from .known import list_known_positives
from .sample_cells import FLAGS, are_probabilities, require_classes, sort_classes
from .tags import Tags, normalise_name

_YES = frozenset({"1", "1.0", "true", "yes", "positive", "y"})


@dataclass(frozen=True)
class OneHot:
    """Labels as columns of 0 and 1, a column per class."""

    classes: tuple[str, ...]
    multiclass: bool

    @classmethod
    def read(cls, table: pd.DataFrame, source: Path) -> OneHot:
        """Read whether each row has exactly one class."""
        flags = table.apply(pd.to_numeric, errors="coerce")
        if not flags.isin([0, 1]).all(axis=None):
            raise BadData(f"{source} has other values than 0 and 1 in its columns {', '.join(table.columns)}.")
        return cls(tuple(map(str, table.columns)), bool((flags.sum(axis=1) == 1).all()))


def decide_task(
    labels: pd.Series | OneHot | Tags,
    sample: SampleSubmission,
    slug: str,
    positive: str | None,
    *,
    takes_labels: bool | None = None,
    confirmed: bool = False,
) -> tuple[Task, tuple[str, ...], AnswerKind]:
    """Decide the task, the classes in the order of the answer's columns, and what the answer holds.

    Parameters
    ----------
    labels, sample
        Labels and sample submission as they were found.
    positive
        Class that a binary answer's column is the probability of, if a person said so.
    takes_labels
        Whether the metric judges labels rather than probabilities; None if it is not known.
    confirmed
        Whether a person said that classes are asked for, whatever the cells of the sample hold.

    Raises
    ------
    MissingHint
        If a binary task leaves open which class its column is the probability of, or the sample's cells are no classes.
    BadData
        If the sample's columns and the labels do not name the same classes.
    """
    task, classes = find_task(labels)
    if isinstance(labels, OneHot):
        return task, classes, "probabilities"
    if len(sample.columns) > 1:
        # Two classes may have a column each.
        several: Task = "multilabel" if task == "multilabel" else "multiclass"
        return several, match_columns(sample.columns, classes, sample.path), "probabilities"
    if isinstance(labels, Tags):
        if not confirmed:
            require_classes(sample, {word for cell in sample.cells for word in cell.split()}, classes)
        return task, classes, "tags"
    if task == "multiclass":
        if not confirmed:
            require_classes(sample, sample.cells, classes)
        return task, classes, "label"
    kind = _choose_binary_kind(sample, classes, takes_labels=takes_labels, confirmed=confirmed)
    chosen = find_positive_class(classes, sample.columns[0], slug, positive)
    other = next(name for name in classes if name != chosen)
    return "binary", (other, chosen), kind


def find_task(labels: pd.Series | OneHot | Tags) -> tuple[Task, tuple[str, ...]]:
    """Return the task that labels alone show, and its classes; of two classes it is binary."""
    if isinstance(labels, Tags):
        return "multilabel", labels.classes
    if isinstance(labels, OneHot):
        return "multiclass" if labels.multiclass else "multilabel", labels.classes
    classes = list_classes(labels)
    return "multiclass" if len(classes) > 2 else "binary", classes


def _choose_binary_kind(
    sample: SampleSubmission, classes: tuple[str, ...], *, takes_labels: bool | None, confirmed: bool
) -> AnswerKind:
    """Return ``label`` or ``flag`` if the metric takes labels and the sample shows them; else follow the sample."""
    cells = sample.cells
    if takes_labels and cells <= set(classes):
        return "label"
    if takes_labels and cells <= FLAGS:
        return "flag"
    # A metric of probabilities does not matter where the sample's cells are words.
    if cells and are_probabilities(cells):
        return "probabilities"
    if not confirmed:
        require_classes(sample, cells, classes)
    return "probabilities" if not cells and takes_labels is False else "label"


def list_classes(labels: pd.Series) -> tuple[str, ...]:
    """Return the distinct labels, by number if all are numbers, else by name.

    ``BadData`` if there are fewer than two, an empty one, or one that contains our separator.
    """
    classes = [str(label) for label in labels.unique()]
    if "" in classes:
        empty = labels[labels == ""]
        raise BadData(
            f"The label of {format_count(empty, 'training photo')} is empty: give each a label, or drop its row."
        )
    if any(SEPARATOR in name for name in classes):
        raise BadData(f"A class has {SEPARATOR!r} in its name, which separates labels in our tables: rename it.")
    if len(classes) < 2:
        raise BadData(f"All training photos have the label {classes[0]!r}; at least two classes are needed.")
    return sort_classes(classes)


def match_columns(columns: tuple[str, ...], classes: tuple[str, ...], sample: Path) -> tuple[str, ...]:
    """Return the class of each column: of the same name, or the only one that the column's name ends with."""
    plain = {normalise_name(name): name for name in classes}
    matched: list[str | None] = []
    for column in columns:
        ending = [name for name in classes if re.fullmatch(rf".*[\W_]{re.escape(name)}", column, flags=re.IGNORECASE)]
        matched.append(plain.get(normalise_name(column)) or (ending[0] if len(ending) == 1 else None))
    unmatched_columns = [
        column
        for place, (column, name) in enumerate(zip(columns, matched, strict=True))
        if name is None or name in matched[:place]
    ]
    unmatched_classes = sorted(set(classes) - set(filter(None, matched)))
    if unmatched_columns or unmatched_classes:
        what = (
            f"no class for its columns {', '.join(unmatched_columns[:5])}"
            if unmatched_columns
            else f"no column for {', '.join(unmatched_classes[:5])}"
        )
        raise BadData(
            f"{sample} does not fit the labels: there is {what} (classes: {', '.join(classes[:8])}); "
            "name another file with --sample or --labels."
        )
    return tuple(name for name in matched if name is not None)


def _split_words(name: str) -> str:
    """``isDog`` and ``is_dog`` as ``is dog``; a class must be a whole word, for there is a cat in ``category``."""
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()))


def find_positive_class(classes: tuple[str, ...], column: str, slug: str, named: str | None) -> str:
    """Return the class that a binary answer's column is the probability of.

    The column's name, the labels (0 and 1, no and yes) or the competition's slug tell it; else a ``MissingHint`` asks.
    """
    if named is not None:
        if named not in classes:
            raise BadChoice.from_unknown_name("class", named, classes)
        return named
    for candidates in (
        [name for name in classes if f" {_split_words(name)} " in f" {_split_words(column)} "],
        [name for name in classes if name.lower() in _YES],
        sorted(set(list_known_positives(slug)) & set(classes)),
    ):
        if len(candidates) == 1:
            return candidates[0]
    raise MissingHint(
        f"Which class is the column {column!r} the probability of: {' or '.join(classes)}? "
        "Answer with --positive CLASS."
    )
