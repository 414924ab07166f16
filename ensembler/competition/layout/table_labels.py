"""Labels of photos in a table, and what the sample submission, the hints and the metric tell about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import pandas as pd

from ...errors import format_count, format_first
from ..label_rows import read_label_rows
from ..manifest import SEPARATOR, TrainLayout
from ..metrics.metrics import Metric
from ..photo_files import PhotoFiles
from ..photo_names import extract_stem
from ..sample_submission import SampleSubmission, make_relative
from ..sets.photo_sets import TrainingSet
from ..tag_cells import LIST, split_cell
from .classes import OneHot
from .doubts import report_rows
from .evidence import Evidence
from .findings import report_validation
from .hints import Hints
from .label_tables import LabelTable
from .tags import Tags, are_tags_in_rows, find_tag_separator

# Columns that name the set of each photo.
_SET_COLUMNS = frozenset({"split", "set", "subset", "partition", "fold", "usage", "phase", "data set", "dataset"})


@dataclass(frozen=True)
class Expectations:
    """What is known of the labels before they are read. The sample submission and the metric may be unknown."""

    sample: SampleSubmission | None
    hints: Hints
    metric: Metric | None

    @property
    def asked_classes(self) -> Collection[str]:
        """Names of classes in the sample submission, as far as they are known."""
        if self.sample is None:
            return ()
        return self.sample.columns if len(self.sample.columns) > 1 else self.sample.cells


@dataclass(frozen=True)
class LabelledPhotos:
    """Layout of the labelled photos, and their labels as text, tags or one-hot columns.

    ``by_path`` contains the label of each photo as text. ``unlabelled`` are folders without labels inside others.
    """

    layout: TrainLayout
    labels: pd.Series | OneHot | Tags
    by_path: pd.Series
    unlabelled: tuple[str, ...] = ()


def read_labels_with_more(
    table: LabelTable, training: TrainingSet, photos: PhotoFiles, expected: Expectations, evidence: Evidence
) -> LabelledPhotos:
    """Read labels from a table. Folders for validation are used if the table has a label of each photo there."""
    first, *others = training.folders
    inside = training.select(photos)
    said = Evidence()
    labelled = read_labels(table, first, inside, expected, said)
    more = []
    for folder, paths in training.more.items():
        wider = PhotoFiles(photos.root, tuple(sorted([*inside.paths, *paths])))
        wider_said = Evidence()
        tried = read_labels(table, first, wider, expected, wider_said)
        if {*labelled.by_path.index, *paths} <= set(tried.by_path.index):
            labelled, inside, said = tried, wider, wider_said
            more.append(folder)
        else:
            file = labelled.layout.file
            evidence.leave_out(
                folder,
                f"its photos have the names of others, so {file} does not tell which are meant"
                if {extract_stem(path) for path in paths} & {extract_stem(path) for path in inside.paths}
                else f"{file} has no label for {len(set(paths) - set(tried.by_path.index))} of its photos; they are "
                "learned from if their rows are appended to it",
            )
    for doubt in said.doubts:
        evidence.doubt(doubt)
    report_validation(more, evidence)
    return replace(labelled, layout=replace(labelled.layout, more_folders=(*others, *more)))


def read_labels(
    label_table: LabelTable, folder: str, photos: PhotoFiles, expected: Expectations, evidence: Evidence
) -> LabelledPhotos:
    """Read the labels of the photos in ``folder`` from a table, and record what is not obvious about them."""
    sample, hints, metric = expected.sample, expected.hints, expected.metric
    columns = label_table.choose_columns(sample, hints.label_column)
    layout = TrainLayout(
        folder,
        "csv",
        make_relative(label_table.path, photos.root),
        label_table.id_column,
        columns,
        incomplete=hints.incomplete_labels,
        missing_photos=hints.incomplete_photos,
        conflicting=hints.conflicting_labels,
    )
    rows = read_label_rows(layout, photos)
    report_rows(rows, layout, evidence)
    if ignored := [name for name in label_table.other_columns if name.lower() in _SET_COLUMNS and name not in columns]:
        evidence.doubt(
            f"The column {ignored[0]!r} of {layout.file} is not used: all labelled photos are learned from, except "
            "those to predict."
        )
    used = rows.table["path"] != ""
    several = rows.contradicting & used
    if hints.conflicting_labels:
        used &= ~several
    labels, paths = rows.text[used], rows.table.loc[used, "path"]
    by_path = pd.Series(labels.to_numpy(), index=paths, dtype=str)
    by_path = by_path[~by_path.index.duplicated()]
    if len(columns) > 1:
        flags = rows.table.loc[used, list(rows.columns)].set_axis(list(columns), axis=1)
        return LabelledPhotos(layout, OneHot.read(flags, label_table.path), by_path)
    separator = find_tag_separator(labels, sample, metric)
    if separator is None and not hints.conflicting_labels and are_tags_in_rows(paths, metric):
        evidence.doubt(
            f"{layout.file} has several rows with different labels for {format_count(paths[several].unique(), 'photo')}"
            ", so each photo may have several labels: if these rows are mistakes, leave such photos out with "
            "--conflicting-labels."
        )
        separator = SEPARATOR
    if separator is None:
        return LabelledPhotos(layout, labels, by_path)
    if metric is None:
        _report_split(labels, separator, layout.file, evidence)
    return LabelledPhotos(replace(layout, separator=separator.strip()), Tags.split(labels, separator), by_path)


def _report_split(labels: pd.Series, separator: str, file: str, evidence: Evidence) -> None:
    """Record that cells are split into tags, which the metric does not tell."""
    first = next((cell for cell in labels if len(split_cell(cell, separator)) > 1), "")
    if first and separator != LIST:
        evidence.doubt(
            f"Cells of {file} are split into tags, such as {first!r} into "
            f"{format_first(split_cell(first, separator))}: if they are names, use `--metric accuracy`."
        )
