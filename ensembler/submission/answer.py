"""The submission's CSV, made from probabilities, and its score against known labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.csv_tables import write_table
from ..competition.layout.labels import find_unknown_labels
from ..competition.manifest import SEPARATOR, Manifest
from ..competition.metrics.decisions import choose_labels
from ..competition.metrics.metrics import Metric, accuracy, choose_label_metric, resolve_metric
from ..competition.metrics.scoring import compute_scores, evaluate_labels
from ..competition.table_files.reading import find_separator, read_table_file
from ..competition.tables import Tables, compute_prior, encode_labels
from ..competition.tag_cells import BLANK, join_tags, split_cells
from ..errors import BadData, Mismatch, format_first
from ..progress import SILENT, Progress
from .checks import check_csv

# Nine digits hold the precision of float32.
_NUMBER_FORMAT = "%.9g"
# Cells of the first and the last of two classes.
_FLAGS = ("0", "1")


@dataclass(frozen=True, kw_only=True)
class AnswerScore:
    """Scores of a submission; labels have no log loss."""

    metric: str
    score: float
    standard_error: float
    log_loss: float | None
    log_loss_error: float | None
    accuracy: float


def build_answer_table(tables: Tables, probabilities: NDArray[np.float32]) -> pd.DataFrame:
    """Return the submission's table, with the ids, columns and order of the sample submission.

    ``probabilities`` of shape (photos, outputs) are those of the readable test photos, in the table's order. The other
    photos get the prior.
    """
    manifest = tables.manifest
    all_probabilities = np.tile(compute_prior(tables.targets), (len(tables.test), 1))
    all_probabilities[tables.readable_test] = probabilities.astype(np.float64)
    if manifest.sums_to_one:
        all_probabilities /= all_probabilities.sum(axis=1, keepdims=True)
    table = pd.DataFrame({manifest.answer.id_column: tables.test["id"]})
    if manifest.answer.kind == "probabilities":
        for column, values in zip(manifest.answer.columns, all_probabilities.T, strict=True):
            table[column] = [_NUMBER_FORMAT % value for value in values]
    else:
        labels = choose_label_texts(manifest, all_probabilities)
        if manifest.answer.kind == "flag":
            labels = [_FLAGS[manifest.classes.index(label)] for label in labels]
        table[manifest.answer.columns[0]] = labels
    return table


def write_answer_table(path: Path, tables: Tables, probabilities: NDArray[np.float32]) -> None:
    """Write the table of :func:`build_answer_table` as a CSV with the separator of the sample submission."""
    separator = find_separator(tables.photos / tables.manifest.answer.sample)
    write_table(path, build_answer_table(tables, probabilities), separator)


def choose_label_texts(manifest: Manifest, probabilities: NDArray[np.float64]) -> list[str]:
    """Return the class of each row that maximises the competition's metric, or its tags separated by spaces."""
    decisions = choose_labels(_choose_label_metric(manifest), probabilities, manifest)
    if manifest.task == "multilabel":
        classes = np.array(manifest.classes, dtype=object)
        return [join_tags(classes[row], manifest.answer.separator or BLANK) for row in decisions]
    chosen = decisions[:, 0].astype(int) if manifest.task == "binary" else decisions.argmax(axis=1)
    texts = manifest.answer.labels or manifest.classes
    return [texts[number] for number in chosen]


def _choose_label_metric(manifest: Manifest) -> Metric:
    return choose_label_metric(resolve_metric(manifest.metric, manifest.task), manifest.task)


def write_answer(folder: Path, stack: str, tables: Tables, probabilities: NDArray[np.float32]) -> Path:
    """Write the submission as ``TIME-STACK.csv`` and check it. An invalid one is deleted."""
    stem, number = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{stack}", 1
    path = folder / f"{stem}.csv"
    # Two stacks may be written within a second.
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.csv"
    write_answer_table(path, tables, probabilities)
    try:
        check_answer(path, tables.manifest, tables.photos)
    except BadData:
        path.unlink()
        raise
    return path


def check_answer(csv: Path, manifest: Manifest, photos: Path) -> None:
    """Check a submission against the sample submission; see :func:`.check_csv`."""
    kind = manifest.answer.kind
    allowed_labels = {"probabilities": (), "flag": _FLAGS}.get(kind, manifest.answer.labels or manifest.classes)
    check_csv(
        csv,
        photos / manifest.answer.sample,
        probabilities=kind == "probabilities",
        rows_sum_to_one=kind == "probabilities" and manifest.sums_to_one,
        labels=allowed_labels,
        separator=(manifest.answer.separator or BLANK) if kind == "tags" else "",
        placeholder=manifest.answer.placeholder,
    )


def score_answer(
    csv: Path,
    solution: Path,
    manifest: Manifest,
    progress: Progress = SILENT,
    groups: Mapping[str, str] = MappingProxyType({}),
) -> AnswerScore:
    """Score a submission against hidden labels, joined by id. Rows without a hidden label are counted in a warning.

    Parameters
    ----------
    csv
        Submission of probabilities, labels, flags or tags, according to the manifest.
    solution
        Table with the columns id and label. Several labels of a photo are separated by ``|``.
    groups
        Group of an id. Rows of one group, such as the rotations of a photo, count as one in the standard error.

    Raises
    ------
    Mismatch
        If the submission lacks ids of the solution, an id is repeated, or one of the files contains an unknown class.
    BadData
        If a column is missing, or a probability is not a number from 0 to 1.
    """
    answer = _read_columns(csv, (manifest.answer.id_column, *manifest.answer.columns))
    truth = _read_columns(solution, ("id", "label"))
    answer = answer.set_index(manifest.answer.id_column)[list(manifest.answer.columns)]
    for path, ids in ((csv, answer.index), (solution, pd.Index(truth["id"]))):
        if not ids.is_unique:
            raise Mismatch(f"{path} contains the id {ids[ids.duplicated()][0]!r} twice: correct it.")
    if truth.empty or not set(truth["id"]) <= set(answer.index):
        raise Mismatch(f"{csv} and {solution} contain different ids: name the CSV of this competition.")
    if unlabelled := len(answer) - len(truth):
        progress.warn(
            f"{solution} has no label for {unlabelled} of the {len(answer)} rows of {csv}: the score is that of the "
            f"other {len(truth)}."
        )
    answer = answer.loc[truth["id"]]
    targets = _encode_known_labels(truth["label"], manifest, solution)
    if manifest.answer.kind == "probabilities":
        units = [groups.get(identity, "") for identity in truth["id"]] if groups else ()
        return AnswerScore(**vars(compute_scores(targets, _parse_probabilities(answer, csv), manifest, units)))
    return _score_labels(targets, answer.iloc[:, 0], manifest, csv)


def _score_labels(targets: NDArray[np.float32], labels: pd.Series, manifest: Manifest, csv: Path) -> AnswerScore:
    if manifest.answer.kind == "tags":
        labels = split_cells(labels, manifest.answer.separator or BLANK).str.join(SEPARATOR)
    elif manifest.answer.kind == "flag":
        if unknown_flags := sorted(set(labels) - set(_FLAGS)):
            raise Mismatch(f"{csv} contains {unknown_flags[0]!r} instead of 0 or 1: correct it, or name another file.")
        labels = labels.map(dict(zip(_FLAGS, manifest.classes, strict=True)))
    elif manifest.answer.labels:
        classes = dict(zip(manifest.answer.labels, manifest.classes, strict=True))
        labels = labels.map(lambda text: classes.get(text, text))
    decisions = _encode_known_labels(labels, manifest, csv) > 0
    metric = _choose_label_metric(manifest)
    estimate = evaluate_labels(metric, targets, decisions, manifest)
    return AnswerScore(
        metric=metric.name,
        score=estimate.score,
        standard_error=estimate.standard_error,
        log_loss=None,
        log_loss_error=None,
        accuracy=accuracy(targets, decisions, multiclass=manifest.sums_to_one),
    )


def _read_columns(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    table = read_table_file(path)
    if missing := [name for name in columns if name not in table]:
        raise BadData(
            f"{path} lacks the column{'s' if missing[1:] else ''} {format_first(missing, 5)}: name a CSV that does."
        )
    return table


def _encode_known_labels(labels: pd.Series, manifest: Manifest, source: Path) -> NDArray[np.float32]:
    """Encode labels as 0 and 1. Unknown classes are refused, because they would be encoded as no class."""
    unknown_labels = find_unknown_labels(labels, manifest)
    if len(unknown_labels):
        raise Mismatch(
            f"{source} contains the label {unknown_labels.iloc[0]!r}, which is not a class of this competition: "
            "correct it, or name another file."
        )
    return encode_labels(labels, manifest)


def _parse_probabilities(answer: pd.DataFrame, csv: Path) -> NDArray[np.float64]:
    numbers = answer.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    # NaN is not in the range either.
    if not (valid := (numbers >= 0) & (numbers <= 1)).all():
        row, column = np.argwhere(~valid)[0]
        value, identity = answer.iat[row, column], answer.index[row]
        raise BadData(f"{csv} contains {value!r} as a probability of id {identity!r}: write a number from 0 to 1.")
    return np.asarray(numbers)


def find_newest_answer(folder: Path) -> Path:
    """Return the CSV written last, or raise ``BadData`` if there is none."""
    csvs = sorted(folder.glob("*.csv"), key=lambda path: path.stat().st_mtime)
    if not csvs:
        raise BadData(f"{folder} contains no CSV: make one with `ensembler stack`.")
    return csvs[-1]
