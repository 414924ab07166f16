"""The labelled photos of a competition: their folders, the source of their labels, and their groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData, MissingHint, format_count, format_first
from ..label_rows import read_label_rows
from ..manifest import FOLDERS, SEPARATOR, TestLayout, TrainLayout
from ..metrics.metrics import Metric
from ..photo_files import PhotoFiles
from ..photo_ids import normalise_text
from ..photo_names import extract_folder, extract_name, extract_stem
from ..sample_submission import SampleSubmission, make_relative
from ..sets.labelled_folders import LabelledFolders, find_labelled_folders
from ..sets.photo_sets import TrainingSet, find_training_set
from ..tag_cells import LIST, split_cell
from .classes import OneHot
from .evidence import Evidence
from .findings import add_labels_finding, report_rows
from .groups import find_groups, parse_groups
from .hints import Hints
from .label_tables import LabelTable, find_label_table, resolve_label_table
from .labels import extract_label, has_labels_in_names
from .left_out import report_strays, report_undecodable
from .not_classification import refuse_columns, refuse_measurements
from .readable_tables import refuse_unclear_folders, refuse_unclear_tables
from .tags import Tags, are_tags_in_rows, find_tag_separator

# Names of folders with parts of the photos, such as images_part_1 and images_001.
_PART = re.compile(
    r"(?:part|batch|chunk|split|shard|volume|dis[ck]|images?|imgs?|photos?|pictures?|pics?|data|archive|folder|dir)"
    r"[\W_]*\d+$",
    re.IGNORECASE,
)
# Columns that name the set of each photo.
_SET_COLUMNS = frozenset({"split", "set", "subset", "partition", "fold", "usage", "phase", "data set", "dataset"})


@dataclass(frozen=True)
class LabelledPhotos:
    """Layout of the labelled photos, and their labels as text, tags or one-hot columns.

    ``by_path`` contains the label of each photo as text. ``unlabelled`` are folders without labels inside others.
    """

    layout: TrainLayout
    labels: pd.Series | OneHot | Tags
    by_path: pd.Series
    unlabelled: tuple[str, ...] = ()


def find_labelled_photos(
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None = None,
    test: TestLayout | None = None,
) -> LabelledPhotos:
    """Find the labelled photos, the source of their labels, and their groups.

    ``metric`` is the competition's metric, and ``test`` has the folders to predict; both are None if unknown. The
    errors are those of :func:`find_layout`.
    """
    report_undecodable(photos, evidence)
    training = find_training_set(photos, evidence, test)
    labelled = _find_labels(training, photos, sample, hints, evidence, metric)
    labelled = replace(labelled, unlabelled=_find_unlabelled_inside(training, labelled.layout.folders))
    add_labels_finding(photos.root, labelled.layout, labelled.by_path, evidence)
    if labelled.layout.labels == "csv":
        _refuse_other_tasks(labelled, photos.root, sample, hints)
    inside = training.select(photos, with_more=True)
    groups = parse_groups(hints.groups, inside) if hints.groups else find_groups(inside, labelled.by_path, sample)
    if groups is None:
        # Folders may be groups, too, unless the user wants none.
        without = replace(labelled.layout, groups="", group_id_column="", group_column="")
        return replace(labelled, layout=without) if hints.groups else labelled
    layout = replace(labelled.layout, groups=groups.file, group_id_column=groups.id_column, group_column=groups.column)
    return replace(labelled, layout=layout)


def _find_unlabelled_inside(training: TrainingSet, used: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folders for validation that are not used, but inside a folder that is."""
    unused = [folder for folder in training.more if not any(f"{one}/".startswith(f"{folder}/") for one in used)]
    return tuple(folder for folder in unused if any(one == "." or folder.startswith(f"{one}/") for one in used))


def _refuse_other_tasks(labelled: LabelledPhotos, root: Path, sample: SampleSubmission | None, hints: Hints) -> None:
    """Refuse a table of masks, boxes or measurements; a hint may declare measurements to be classes."""
    source = root / labelled.layout.file
    refuse_columns(labelled.layout.columns, source)
    # If each class has a column, the labels are compared with the columns instead.
    one_column = sample is None or len(sample.columns) == 1
    if isinstance(labelled.labels, pd.Series) and one_column and not hints.metric:
        refuse_measurements(labelled.by_path, source, labelled.layout.columns[0])


def _find_labels(
    training: TrainingSet,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None,
) -> LabelledPhotos:
    inside = training.select(photos)
    asked = () if sample is None else sample.columns if len(sample.columns) > 1 else sample.cells
    in_folders = find_labelled_folders(training, asked)
    if hints.labels == "names":
        return _use_names(training, photos, evidence)
    if hints.labels == "folders":
        if not in_folders:
            raise BadChoice(f"The photos in {photos.root / training.folder} are in no folders of classes.")
        return _use_folders(in_folders, training, evidence)
    parts = sorted(set(in_folders.by_path.values())) if in_folders else []
    if not all(map(_PART.search, parts)):
        parts = []
    if parts:
        in_folders = None
    if hints.labels:
        named = resolve_label_table(hints.labels, inside, training.folder)
        return _read_with_more(named, training, photos, sample, hints, evidence, metric)
    table = find_label_table(inside, sample, evidence, by_name_only=bool(in_folders) and not hints.label_column)
    if in_folders:
        by_path = pd.Series(in_folders.by_path, dtype=str).map(normalise_text)
        if table is None:
            refuse_unclear_folders(inside, in_folders.by_path, sample)
            return _use_folders(in_folders, training, evidence)
        from_table = _read_from_table(table, training.folder, inside, sample, hints, Evidence(), metric)
        if from_table.by_path.equals(by_path.reindex(from_table.by_path.index)):
            return _use_folders(in_folders, training, evidence)
        evidence.doubt(
            f"The labels are those of {from_table.layout.file}, although the photos are in folders with other names: "
            "use the folders with `--labels folders`."
        )
    if parts and table is None:
        raise MissingHint(
            f"The folders {format_first(parts)} may be parts of the photos or classes: use `--labels folders` for "
            "classes, `--labels names`, or a table of labels with --labels FILE."
        )
    if parts:
        evidence.doubt(
            f"The folders {format_first(parts)} are taken for parts of the photos: if they are classes, use "
            "`--labels folders`."
        )
    if table is not None:
        return _read_with_more(table, training, photos, sample, hints, evidence, metric)
    refuse_unclear_tables(inside, sample, has_names=has_labels_in_names(inside))
    if has_labels_in_names(inside):
        return _use_names(training, photos, evidence)
    above = {extract_folder(path) for path in inside.paths}
    if len(above) == 1 and above.isdisjoint({"", training.folder}):
        name = extract_name(min(above))
        raise BadData(
            f"All photos in {photos.root / training.folder} are in one folder ({name}), so there is one class only: "
            "add photos of another class, or name a table of labels with --labels FILE."
        )
    raise MissingHint(
        f"The photos in {photos.root / training.folder} have no labels: neither file names (cat.12.jpg), nor a folder "
        "per class, nor a table contain them; name the table with --labels FILE."
    )


def _use_folders(found: LabelledFolders, training: TrainingSet, evidence: Evidence) -> LabelledPhotos:
    by_path = pd.Series(found.by_path, dtype=str).map(normalise_text)
    for doubt in found.doubts:
        evidence.doubt(doubt)
    report_strays(found.strays, evidence)
    for folder in found.unlabelled:
        evidence.leave_out(folder, "its folders are not those of the classes, so its photos have no labels")
    _report_validation(found.folders[len(training.folders) :], evidence)
    first, *more = found.folders
    layout = TrainLayout(first, "folders", more_folders=tuple(more), class_level=found.level)
    if found.group_level:
        layout = replace(layout, groups=FOLDERS, group_id_column="level", group_column=str(found.group_level))
    return LabelledPhotos(layout, by_path, by_path)


def _report_validation(folders: Sequence[str], evidence: Evidence) -> None:
    """Record that further folders of labelled photos are used."""
    if folders:
        rule = f"their labels are known; `ensembler folds --hold-out {folders[0]}` holds them out as one fold"
        evidence.add_finding("validation photos", f"learned from, too: {', '.join(folders)}", folders[0], rule)


def _use_names(training: TrainingSet, photos: PhotoFiles, evidence: Evidence) -> LabelledPhotos:
    """Use labels in the names of files. Folders for validation are used if their names have the same labels."""
    by_path = {path: extract_label(path) for path in training.select(photos).paths}
    known, more = set(by_path.values()), []
    for folder, paths in training.more.items():
        labels = {path: extract_label(path) for path in paths}
        if set(labels.values()) <= known:
            more.append(folder)
            by_path |= labels
        else:
            evidence.leave_out(folder, "the names of its photos do not contain known classes")
    _report_validation(more, evidence)
    first, *others = training.folders
    table = pd.Series(by_path, dtype=str)
    return LabelledPhotos(TrainLayout(first, "names", more_folders=(*others, *more)), table, table)


def _read_with_more(
    table: LabelTable,
    training: TrainingSet,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None,
) -> LabelledPhotos:
    """Read labels from a table. Folders for validation are used if the table has a label of each photo there."""
    first, *others = training.folders
    inside = training.select(photos)
    said = Evidence()
    labelled = _read_from_table(table, first, inside, sample, hints, said, metric)
    more = []
    for folder, paths in training.more.items():
        wider = PhotoFiles(photos.root, tuple(sorted([*inside.paths, *paths])))
        wider_said = Evidence()
        tried = _read_from_table(table, first, wider, sample, hints, wider_said, metric)
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
    _report_validation(more, evidence)
    return replace(labelled, layout=replace(labelled.layout, more_folders=(*others, *more)))


def _read_from_table(
    label_table: LabelTable,
    folder: str,
    photos: PhotoFiles,
    sample: SampleSubmission | None,
    hints: Hints,
    evidence: Evidence,
    metric: Metric | None,
) -> LabelledPhotos:
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
    first = next((cell for cell in labels if len(split_cell(cell, separator)) > 1), "")
    if first and separator != LIST and metric is None:
        evidence.doubt(
            f"Cells of {layout.file} are split into tags, such as {first!r} into "
            f"{format_first(split_cell(first, separator))}: if they are names, use `--metric accuracy`."
        )
    return LabelledPhotos(replace(layout, separator=separator.strip()), Tags.split(labels, separator), by_path)
