"""The task, its classes and their order, from labels and the sample submission."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData, MissingHint, format_count
from ..label_rows import read_flags
from ..manifest import SEPARATOR
from ..sample_submission import SampleSubmission
from ..tag_cells import BLANK, split_cell
from ..task import AnswerKind, Task
from .known import list_known_positives
from .sample_cells import FLAGS, are_probabilities, are_whole_numbers, require_classes, sort_classes
from .tags import Tags, normalise_name

_YES = frozenset({"1", "1.0", "true", "yes", "positive", "y"})


@dataclass(frozen=True)
class OneHot:
    """Labels as columns of 0 and 1, one per class."""

    classes: tuple[str, ...]
    multiclass: bool

    @classmethod
    def read(cls, table: pd.DataFrame, source: Path) -> OneHot:
        """Read columns of 0 and 1, and decide whether each row has exactly one class."""
        flags = read_flags(table, list(table.columns), source)
        return cls(tuple(map(str, table.columns)), bool((flags.sum(axis=1) == 1).all()))


def decide_task(
    labels: pd.Series | OneHot | Tags,
    sample: SampleSubmission,
    slug: str,
    positive: str | None,
    *,
    takes_labels: bool | None = None,
    needs_positive: bool = False,
    separator: str = BLANK,
) -> tuple[Task, tuple[str, ...], AnswerKind]:
    """Decide the task, the classes in the order of the submission's columns, and the content of these columns.

    Parameters
    ----------
    labels, sample
        Detected labels and sample submission.
    positive
        Class whose probability a binary submission contains, if the user named it.
    takes_labels
        Whether the metric scores labels rather than probabilities. None if the metric is unknown.
    needs_positive
        Whether the metric of labels depends on the class that counts as positive.
    separator
        Separator of the tags in the sample's cells.

    Raises
    ------
    MissingHint
        If the positive class of a binary task is unknown, or the sample's cells are not classes.
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
        require_classes(sample, {word for cell in sample.cells for word in split_cell(cell, separator)}, classes)
        return task, classes, "tags"
    if task == "multiclass":
        require_classes(sample, sample.cells, classes)
        return task, classes, "label"
    kind = _choose_binary_kind(sample, classes, takes_labels=takes_labels)
    is_named = kind == "label" and not needs_positive
    chosen = find_positive_class(classes, sample.columns[0], slug, positive, default=classes[-1] if is_named else "")
    other = next(name for name in classes if name != chosen)
    return "binary", (other, chosen), kind


def find_task(labels: pd.Series | OneHot | Tags) -> tuple[Task, tuple[str, ...]]:
    """Return the task and its classes, judged by labels alone. Two classes make a binary task."""
    if isinstance(labels, Tags):
        return "multilabel", labels.classes
    if isinstance(labels, OneHot):
        return "multiclass" if labels.multiclass else "multilabel", labels.classes
    classes = list_classes(labels)
    return "multiclass" if len(classes) > 2 else "binary", classes


def _choose_binary_kind(sample: SampleSubmission, classes: tuple[str, ...], *, takes_labels: bool | None) -> AnswerKind:
    """Return ``label`` or ``flag`` if the metric scores labels and the sample contains them; else follow the sample."""
    cells = sample.cells
    if takes_labels and cells <= set(classes):
        return "label"
    if takes_labels and cells <= FLAGS:
        return "flag"
    # Words in the sample's cells outweigh a metric of probabilities.
    if cells and are_probabilities(cells):
        return "probabilities"
    require_classes(sample, cells, classes)
    return "probabilities" if not cells and takes_labels is False else "label"


def list_classes(labels: pd.Series) -> tuple[str, ...]:
    """Return the distinct labels, sorted by number if all are numbers, else by name.

    Fewer than two labels, an empty one, or one that contains the separator of the tables raise ``BadData``.
    """
    classes = [str(label) for label in labels.unique()]
    if "" in classes:
        empty = labels[labels == ""]
        raise BadData(
            f"The label of {format_count(empty, 'training photo')} is empty: add the labels or delete the rows."
        )
    if any(SEPARATOR in name for name in classes):
        raise BadData(f"A class contains {SEPARATOR!r}, which separates labels in the tables: rename the class.")
    if len(classes) < 2:
        raise BadData(f"All training photos have the label {classes[0]!r}: add photos of another class.")
    return sort_classes(classes)


def match_columns(columns: tuple[str, ...], classes: tuple[str, ...], sample: Path) -> tuple[str, ...]:
    """Return the class of each column: the class of the same name, or the only one that ends the column's name.

    If all classes have a column, a further column is a class without photos, unless most are.
    """
    plain = {normalise_name(name): name for name in classes}
    matched: dict[str, str] = {}
    for column in columns:
        name = plain.get(normalise_name(column), "")
        if not name:
            ending = [name for name in classes if _ends_with(column, name)]
            name = ending[0] if len(ending) == 1 else ""
        if name and name not in matched.values():
            matched[column] = name
    unmatched_columns = [column for column in columns if column not in matched]
    unmatched_classes = sorted(set(classes) - set(matched.values()))
    alike = [column for column in unmatched_columns if any(_ends_with(column, name) for name in classes)]
    if unmatched_classes or alike or len(unmatched_columns) > len(matched):
        what = (
            f"no class matches the columns {', '.join(unmatched_columns[:5])}"
            if unmatched_columns
            else f"no column matches {', '.join(unmatched_classes[:5])}"
        )
        raise BadData(
            f"{sample} does not fit the labels, because {what} (classes: {', '.join(classes[:8])}): "
            "name another file with --sample FILE or --labels FILE."
        )
    return tuple(matched.get(column, column) for column in columns)


def _ends_with(column: str, name: str) -> bool:
    """Return whether a column's name is that of a class after a separator, such as ``prob_dog``."""
    start = column[: -len(name)]
    return bool(start) and not start[-1].isalnum() and column.lower().endswith(name.lower())


def _split_words(name: str) -> str:
    """Return ``is dog`` for ``isDog`` and ``is_dog``, since ``category`` must not match the class cat."""
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()))


def find_positive_class(classes: tuple[str, ...], column: str, slug: str, named: str | None, default: str = "") -> str:
    """Return the class whose probability a binary submission contains.

    The name of the column, the labels (0 and 1, no and yes) or the competition's slug decide it, then the ``default``.
    Without one, ``MissingHint`` is raised.
    """
    if named is not None:
        if named not in classes:
            raise BadChoice.from_unknown_name("class", named, classes)
        return named
    # Of numbers, the greatest is a yes: 1 beside 0, but not beside 2.
    possible = sort_classes(classes)[-1:] if are_whole_numbers(classes) else classes
    for candidates in (
        [name for name in classes if f" {_split_words(name)} " in f" {_split_words(column)} "],
        [name for name in possible if name.lower() in _YES],
        sorted(set(list_known_positives(slug)) & set(classes)),
    ):
        if len(candidates) == 1:
            return candidates[0]
    if default:
        return default
    raise MissingHint(
        f"The column {column!r} may contain the probability of {' or '.join(classes)}: name the class with "
        "--positive CLASS."
    )
