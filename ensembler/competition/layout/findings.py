"""Findings about labels, and those that follow from the manifest for what no other part of the detection recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..manifest import Manifest, TrainLayout
from ..table_files.reading import describe_table_dialect
from ..task import LabelSource
from .evidence import Evidence

_LABEL_RULES: dict[LabelSource, str] = {
    "names": "each file name is a class and a number",
    "folders": "each photo is in a folder named after its class",
    "csv": "its ids are names of photos",
    "rotations": "each photo counts as upright",
}
_LABEL_SOURCES: dict[LabelSource, str] = {
    "names": "names of files",
    "folders": "names of folders",
    "csv": "a table",
    "rotations": "rotations of photos",
}


def add_labels_finding(root: Path, layout: TrainLayout, by_path: pd.Series, evidence: Evidence) -> None:
    """Record the source of the labels; ``by_path`` contains the label of each photo."""
    examples = [f"{path}: {label}" for path, label in by_path.iloc[:3].items()]
    source, rule = layout.file or layout.folder, _LABEL_RULES[layout.labels]
    if layout.file and (dialect := describe_table_dialect(root / layout.file)):
        rule += f"; it is {dialect}"
    evidence.add_finding("labels", _LABEL_SOURCES[layout.labels], source, rule, examples)


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


def report_validation(folders: Sequence[str], evidence: Evidence) -> None:
    """Record that further folders of labelled photos are used."""
    if folders:
        rule = f"their labels are known; `ensembler folds --hold-out {folders[0]}` holds them out as one fold"
        evidence.add_finding("validation photos", f"learned from, too: {', '.join(folders)}", folders[0], rule)
