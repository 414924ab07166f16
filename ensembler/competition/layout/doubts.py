"""Doubts: guesses, and what is left out of a competition, counted and named in its evidence."""

from __future__ import annotations

import re
from collections import Counter
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
from ..table_files.reading import is_encoding_guessed
from .classes import OneHot
from .evidence import SPELLING, Evidence
from .readable_tables import explain_tables
from .tags import Tags

# More strays are counted together.
_MAX_NAMED = 5


def report_strays(paths: Sequence[str], evidence: Evidence) -> None:
    """Report the photos that are in no folder of a class."""
    if len(paths) > _MAX_NAMED:
        evidence.doubt(
            f"{len(paths)} photos are in no folder of a class and are left out ({format_first(paths)}): put those that "
            "have a class into its folder."
        )
        return
    for path in paths:
        evidence.leave_out(path, "it is in no folder of a class")


def report_undecodable(photos: PhotoFiles, evidence: Evidence) -> None:
    """Report the pictures that cannot be decoded here, by format."""
    for kind in sorted(set(photos.undecodable.values())):
        paths = [path for path, found in photos.undecodable.items() if found == kind]
        evidence.doubt(
            f"The {kind} files cannot be decoded here and are left out ({len(paths)}: {format_first(paths)}): convert "
            "them to JPEG or PNG if they are photos of the task."
        )


def report_rows(rows: LabelRows, layout: TrainLayout, evidence: Evidence) -> None:
    """Report how a table of labels was read, where that is not obvious, and which of its rows are left out."""
    name = layout.file
    if is_encoding_guessed(rows.source):
        strange = next((text for text in (*rows.text, *rows.table["id"]) if not text.isascii()), "")
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


def report_placeholders(sample: SampleSubmission, root: Path, classes: Sequence[str], evidence: Evidence) -> None:
    """Report cells of the sample that are no classes, in an answer of labels.

    They were declared as placeholders, or are whole numbers beside classes that are.
    """
    strange = sample.cells.difference(classes).union([sample.placeholder] if sample.placeholder else [])
    if strange:
        evidence.doubt(
            f"{make_relative(sample.path, root)} contains {format_first(sorted(strange))}, which is none of the "
            f"classes ({format_first(classes)}) and is used as a placeholder. The CSV contains the "
            "classes: if the competition has other names for them, write answer.labels into competition.toml."
        )


def report_test_photos(photos: PhotoFiles, test: TestLayout, sample: SampleSubmission, evidence: Evidence) -> None:
    """Report how the ids of the sample name photos, where that is not obvious, and photos that it does not ask for."""
    name = sample.path.name
    inside = [photos.select_inside(folder) for folder in test.folders]
    found = [next((path for files in inside if (path := files.find(identity))), "") for identity in sample.ids]
    if words := describe_matching(zip(sample.ids, found, strict=True)):
        evidence.doubt(f"The ids of {name} are not all names of files, so they stand for photos {words}.")
    counts = Counter(path for path in found if path)
    if twice := [identity for identity, path in zip(sample.ids, found, strict=True) if counts[path] > 1]:
        evidence.doubt(f"Several ids of {name} stand for the same photo: {format_first(twice)}.")
    if "test" not in set(map(find_set, counts)):
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
    train = photos.select_inside_any(manifest.train.folders)
    for path, reason in explain_tables(train, photos, sample, used).items():
        evidence.leave_out(make_relative(path, photos.root), reason.text)
