"""Findings about labels, and those that follow from the manifest for what no other part of the detection recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ...errors import format_count, format_first
from ..label_rows import LabelRows
from ..manifest import Manifest, TestLayout, TrainLayout
from ..photo_files import PhotoFiles
from ..photo_ids import describe_matching, normalise_text
from ..sample_submission import SampleSubmission, make_relative
from ..sets.set_names import find_set
from ..table_files.reading import describe_table_dialect, is_encoding_guessed
from ..task import LabelSource
from .classes import OneHot
from .evidence import SPELLING, Evidence
from .readable_tables import explain_tables
from .tags import Tags

_LABEL_RULES: dict[LabelSource, str] = {
    "names": "each file name is a class and a number",
    "folders": "each photo is in a folder named after its class",
    "csv": "its ids are names of photos",
}
_LABEL_SOURCES: dict[LabelSource, str] = {"names": "names of files", "folders": "names of folders", "csv": "a table"}


def add_labels_finding(root: Path, layout: TrainLayout, by_path: pd.Series, evidence: Evidence) -> None:
    """Record the source of the labels; ``by_path`` contains the label of each photo."""
    examples = [f"{path}: {label}" for path, label in by_path.iloc[:3].items()]
    source, rule = layout.file or layout.folder, _LABEL_RULES[layout.labels]
    if layout.file and (dialect := describe_table_dialect(root / layout.file)):
        rule += f"; it is {dialect}"
    evidence.add_finding("labels", _LABEL_SOURCES[layout.labels], source, rule, examples)


def report_rows(rows: LabelRows, layout: TrainLayout, evidence: Evidence) -> None:
    """Report how a table of labels was read, where that is not obvious, and which of its rows are left out."""
    name = layout.file
    if is_encoding_guessed(rows.source):
        strange = next((text for text in rows.text if not text.isascii()), "")
        evidence.doubt(f"{name} is not UTF-8 and was read as Windows-1252: check the spelling, such as {strange!r}.")
    matched = rows.table[rows.table["path"] != ""]
    if words := describe_matching(zip(matched["id"], matched["path"], strict=True)):
        evidence.doubt(f"The ids of {name} are not all names of files, so they stand for photos {words}.")
    if rows.repeated:
        evidence.doubt(f"{name} contains {format_count(range(rows.repeated), 'repeated row')}: equal rows count once.")
    if layout.missing_photos and len(missing := rows.without_photo):
        evidence.doubt(
            f"{name} contains {format_count(missing, 'row')} without a photo, left out: "
            f"{format_first(missing.tolist())}."
        )
    if layout.conflicting and (several := rows.contradicting & (rows.table["path"] != "")).any():
        photos = rows.table.loc[several, "id"].unique().tolist()
        evidence.doubt(
            f"{name} contains {format_count(photos, 'photo')} with more than one label, left out: "
            f"{format_first(photos)}."
        )


def report_classes(labels: pd.Series | OneHot | Tags, classes: Sequence[str], evidence: Evidence) -> None:
    """Report classes of one photo or none, and classes that differ only by case or by the form of a number."""
    known = set(labels.unique() if isinstance(labels, pd.Series) else labels.classes)
    absent = [name for name in classes if name not in known]
    if absent:
        evidence.doubt(
            f"No photo shows {len(absent)} of the sample's classes ({format_first(absent)}), so the networks cannot "
            "learn them, and they get small probabilities."
        )
    if not isinstance(labels, pd.Series):
        return
    counts = labels.value_counts()
    alone = [name for name in classes if counts.get(name, 0) == 1]
    if alone:
        evidence.doubt(
            f"Only one photo shows each of {len(alone)} classes ({format_first(alone)}), so no score can be measured "
            "for them, and they get small probabilities: add photos if you can."
        )
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(_simplify_name(name), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            shown = ", ".join(f"{name!r} ({counts.get(name, 0)} photos)" for name in names)
            evidence.doubt(f"Classes have nearly the same name: {shown}. Correct the labels if they are one class.")


def _simplify_name(name: str) -> str:
    bare = " ".join(normalise_text(name).lower().replace("_", " ").split())
    return bare.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.0*", bare) else bare


def report_test_photos(photos: PhotoFiles, test: TestLayout, sample: SampleSubmission, evidence: Evidence) -> None:
    """Report how the ids of the sample name photos, where that is not obvious, and photos that it does not ask for."""
    name = sample.path.name
    inside = [photos.select_inside(folder) for folder in test.folders]
    found = [next((path for files in inside if (path := files.find(identity))), "") for identity in sample.ids]
    if words := describe_matching(zip(sample.ids, found, strict=True)):
        evidence.doubt(f"The ids of {name} are not all names of files, so they stand for photos {words}.")
    twice = (
        [identity for identity, path in zip(sample.ids, found, strict=True) if path and found.count(path) > 1]
        if (len(set(found) - {""}) < sum(map(bool, found)))
        else []
    )
    if twice:
        evidence.doubt(f"Several ids of {name} stand for the same photo: {format_first(twice)}.")
    if "test" not in {find_set(path) for path in found if path}:
        return
    given = {path for files in inside for path in files.paths}
    if unasked := sorted(given - set(found)):
        evidence.doubt(
            f"{name} does not ask for {format_count(unasked, 'photo')} of {', '.join(test.folders)}, so no answer is "
            f"written there: {format_first(unasked)}."
        )


def report_unused_tables(
    photos: PhotoFiles, manifest: Manifest, sample: SampleSubmission | None, evidence: Evidence
) -> None:
    """Record each table that is not used, with the reason."""
    used = {manifest.train.file, manifest.train.groups, *(file.path for file in evidence.unused)}
    used |= {finding.source for finding in evidence.findings if finding.subject == SPELLING}
    train = photos.select_inside(manifest.train.folder)
    for path, reason in explain_tables(train, photos, sample, used).items():
        evidence.leave_out(make_relative(path, photos.root), reason.text)


def add_findings(manifest: Manifest, evidence: Evidence, metric_source: str) -> None:
    """Record the properties in the manifest that have no finding yet. ``metric_source`` tells who named the metric."""
    train, test, answer = manifest.train, manifest.test, manifest.answer
    columns = ", ".join(answer.columns[:3]) + (", ..." if len(answer.columns) > 3 else "")
    found = [
        ("task", manifest.describe(), train.file, "the distinct labels, and the columns of the answer", ()),
        ("training photos", ", ".join(train.folders), train.folder, "the folder of the labelled photos", ()),
        ("test photos", ", ".join(test.folders), test.folder, _explain_test(manifest), ()),
        ("answer", f"{answer.id_column}, {columns}: {answer.kind}", answer.sample, "its columns and cells", ()),
        ("metric", manifest.metric, "", metric_source, ()),
    ]
    if train.groups:
        found.append(("groups", train.describe_groups(), train.groups, "photos of a group stay in one fold", ()))
    known = {finding.subject for finding in evidence.findings}
    for subject, value, source, rule, examples in found:
        if subject not in known:
            evidence.add_finding(subject, value, source, rule, examples)


def _explain_test(manifest: Manifest) -> str:
    if manifest.test.folder == manifest.train.folder:
        return "photos to predict are in the folder of the labelled photos"
    return "the folder of the photos to predict"
