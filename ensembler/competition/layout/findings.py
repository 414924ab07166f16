"""Findings that follow from the manifest, for what no other part of the detection recorded."""

from __future__ import annotations

from ..manifest import Manifest
from ..task import LabelSource
from .evidence import Evidence

_LABEL_RULES: dict[LabelSource, str] = {
    "names": "each file name is a class and a number",
    "folders": "each photo is in a folder named after its class",
    "csv": "its ids are names of photos",
}


def add_findings(manifest: Manifest, evidence: Evidence, metric_source: str) -> None:
    """Record the properties in the manifest that have no finding yet. ``metric_source`` tells who named the metric."""
    train, test, answer = manifest.train, manifest.test, manifest.answer
    columns = ", ".join(answer.columns[:3]) + (", ..." if len(answer.columns) > 3 else "")
    found = [
        ("task", manifest.describe(), train.file, "the distinct labels, and the columns of the answer", ()),
        ("labels", f"from {train.labels}", train.file or train.folder, _LABEL_RULES[train.labels], ()),
        ("training photos", train.folder, train.folder, "the folder of the labelled photos", ()),
        ("test photos", ", ".join(test.folders), test.folder, _explain_test(manifest), ()),
        ("answer", f"{answer.id_column}, {columns}: {answer.kind}", answer.sample, "its columns and cells", ()),
        ("metric", manifest.metric, "", metric_source, ()),
    ]
    if train.groups:
        value = f"{train.group_column} of {train.groups}"
        found.append(("groups", value, train.groups, "photos of a group stay in one fold", ()))
    known = {finding.subject for finding in evidence.findings}
    for subject, value, source, rule, examples in found:
        if subject not in known:
            evidence.add_finding(subject, value, source, rule, examples)


def _explain_test(manifest: Manifest) -> str:
    if manifest.test.folder == manifest.train.folder:
        return "photos to predict are in the folder of the labelled photos"
    return "the folder of the photos to predict"
