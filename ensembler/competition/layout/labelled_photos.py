"""The labelled photos of a competition: their folders, the source of their labels, and their groups."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ...errors import BadChoice, BadData, EnsemblerError, MissingHint, format_first
from ..manifest import FOLDERS, TestLayout, TrainLayout
from ..metrics.metrics import Metric
from ..photo_files import PhotoFiles
from ..photo_ids import normalise_text
from ..photo_names import extract_folder, extract_name
from ..sample_submission import SampleSubmission, make_relative
from ..sets.labelled_folders import LabelledFolders, find_labelled_folders
from ..sets.photo_sets import TrainingSet, find_training_set
from .doubts import report_strays, report_undecodable
from .evidence import Evidence
from .findings import add_labels_finding, report_validation
from .groups import GroupColumn, find_groups, parse_groups
from .hints import NOT_TABLES, Hints
from .label_tables import LabelTable, find_label_table, resolve_label_table
from .labels import extract_label, has_labels_in_names
from .not_classification import refuse_columns, refuse_measurements
from .readable_tables import refuse_unclear_folders, refuse_unclear_tables
from .table_labels import Expectations, LabelledPhotos, read_labels, read_labels_with_more

# Names of folders with parts of the photos, such as images_part_1 and images_001.
_PART = re.compile(
    r"(?:part|batch|chunk|split|shard|volume|dis[ck]|images?|imgs?|photos?|pictures?|pics?|data|archive|folder|dir)"
    r"[\W_]*\d+$",
    re.IGNORECASE,
)


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
    if hints.groups and hints.group_column:
        raise BadChoice("Use either --groups or --group-column, which is short for a column of the table of labels.")
    report_undecodable(photos, evidence)
    training = find_training_set(photos, evidence, test)
    labelled = _find_labels(training, photos, Expectations(sample, hints, metric), evidence)
    labelled = replace(labelled, unlabelled=_find_unlabelled_inside(training, labelled.layout.folders))
    add_labels_finding(photos.root, labelled.layout, labelled.by_path, evidence)
    if labelled.layout.labels == "csv":
        _refuse_other_tasks(labelled, photos.root, sample, hints)
    inside = training.select(photos, with_more=True)
    groups = _choose_groups(labelled, inside, sample, hints)
    if groups is None:
        # Folders may be groups, too, unless the user wants none.
        without = replace(labelled.layout, groups="", group_id_column="", group_column="")
        return replace(labelled, layout=without) if hints.groups else labelled
    layout = replace(labelled.layout, groups=groups.file, group_id_column=groups.id_column, group_column=groups.column)
    return replace(labelled, layout=layout)


def _choose_groups(
    labelled: LabelledPhotos, inside: PhotoFiles, sample: SampleSubmission | None, hints: Hints
) -> GroupColumn | None:
    """Return the groups that the user named, else those that are found."""
    if hints.groups:
        return parse_groups(hints.groups, inside)
    if not hints.group_column:
        return find_groups(inside, labelled.by_path, sample)
    layout = labelled.layout
    if layout.labels != "csv":
        raise BadChoice(
            f"--group-column names a column of the table of labels, but the labels come from {layout.labels}: name the "
            "table too, with --groups FILE:COLUMN."
        )
    return GroupColumn(layout.file, layout.id_column, hints.group_column)


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
    training: TrainingSet, photos: PhotoFiles, expected: Expectations, evidence: Evidence
) -> LabelledPhotos:
    """Find the labels in a table, in the names of folders or in those of files, in this order unless a hint decides."""
    inside, sample, hints = training.select(photos), expected.sample, expected.hints
    in_folders = find_labelled_folders(training, expected.asked_classes)
    if hints.labels in NOT_TABLES and (column := hints.image_column or hints.label_column):
        raise BadChoice(
            f"`--labels {hints.labels}` reads no table, so the column {column!r} cannot be used: name the table with "
            "`--labels FILE`, or omit the column."
        )
    if hints.labels == "names":
        return _use_names(training, photos, evidence)
    if hints.labels == "folders":
        if not in_folders:
            raise BadChoice(f"The photos in {photos.root / training.folder} are in no folders of classes.")
        return _use_folders(in_folders, training, evidence)
    parts = _list_parts(in_folders)
    if parts:
        in_folders = None
    if hints.labels:
        named = resolve_label_table(hints.labels, inside, training.folder, hints)
        return read_labels_with_more(named, training, photos, expected, evidence)
    is_meant = bool(hints.image_column or hints.group_column)
    by_name_only = bool(in_folders) and not (hints.label_column or is_meant)
    table = find_label_table(inside, sample, evidence, hints, by_name_only=by_name_only)
    if table is not None and is_meant:
        return read_labels_with_more(table, training, photos, expected, evidence)
    if in_folders and _agrees_with_folders(table, in_folders, training, inside, expected, evidence):
        return _use_folders(in_folders, training, evidence)
    if parts:
        _report_parts(parts, evidence, has_table=table is not None)
    if table is not None:
        return read_labels_with_more(table, training, photos, expected, evidence)
    refuse_unclear_tables(inside, sample, has_names=has_labels_in_names(inside))
    if has_labels_in_names(inside):
        return _use_names(training, photos, evidence)
    raise _make_unlabelled_error(inside, training.folder)


def _list_parts(in_folders: LabelledFolders | None) -> list[str]:
    """Return the names of the folders if they are those of parts of the photos; else an empty list."""
    names = sorted(set(in_folders.by_path.values())) if in_folders else []
    return names if all(map(_PART.search, names)) else []


def _report_parts(parts: list[str], evidence: Evidence, *, has_table: bool) -> None:
    """Record that folders are taken for parts of the photos; without a table of labels, ask."""
    if not has_table:
        raise MissingHint(
            f"The folders {format_first(parts)} may be parts of the photos or classes: use `--labels folders` for "
            "classes, `--labels names`, or a table of labels with --labels FILE."
        )
    evidence.doubt(
        f"The folders {format_first(parts)} are taken for parts of the photos: if they are classes, use "
        "`--labels folders`."
    )


def _agrees_with_folders(
    table: LabelTable | None,
    in_folders: LabelledFolders,
    training: TrainingSet,
    inside: PhotoFiles,
    expected: Expectations,
    evidence: Evidence,
) -> bool:
    """Return whether no table contradicts the labels in folders, and record a contradiction."""
    if table is None:
        refuse_unclear_folders(inside, in_folders.by_path, expected.sample)
        return True
    by_path = pd.Series(in_folders.by_path, dtype=str).map(normalise_text)
    from_table = read_labels(table, training.folder, inside, expected, Evidence()).by_path
    if from_table.equals(by_path.reindex(from_table.index)):
        return True
    evidence.doubt(
        f"The labels are those of {make_relative(table.path, inside.root)}, although the photos are in folders with "
        "other names: use the folders with `--labels folders`."
    )
    return False


def _make_unlabelled_error(inside: PhotoFiles, folder: str) -> EnsemblerError:
    """Return the error of photos without labels."""
    where, above = inside.root / folder, {extract_folder(path) for path in inside.paths}
    if len(above) == 1 and above.isdisjoint({"", folder}):
        return BadData(
            f"All photos in {where} are in one folder ({extract_name(min(above))}), so there is one class only: add "
            "photos of another class, or name a table of labels with --labels FILE."
        )
    return MissingHint(
        f"The photos in {where} have no labels: neither file names (cat.12.jpg), nor a folder per class, nor a table "
        "contain them; name the table with --labels FILE."
    )


def _use_folders(found: LabelledFolders, training: TrainingSet, evidence: Evidence) -> LabelledPhotos:
    by_path = pd.Series(found.by_path, dtype=str).map(normalise_text)
    for doubt in found.doubts:
        evidence.doubt(doubt)
    report_strays(found.strays, evidence)
    for folder in found.unlabelled:
        evidence.leave_out(folder, "its folders are not those of the classes, so its photos have no labels")
    report_validation(found.folders[len(training.folders) :], evidence)
    first, *more = found.folders
    layout = TrainLayout(first, "folders", more_folders=tuple(more), class_level=found.level)
    if found.group_level:
        layout = replace(layout, groups=FOLDERS, group_id_column="level", group_column=str(found.group_level))
    return LabelledPhotos(layout, by_path, by_path)


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
    report_validation(more, evidence)
    first, *others = training.folders
    table = pd.Series(by_path, dtype=str)
    return LabelledPhotos(TrainLayout(first, "names", more_folders=(*others, *more)), table, table)
