"""A person's answers to what cannot be found out, kept so that a later answer does not undo the former ones."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from ...competition.layout.layout import Hints
from ...competition.manifest import Manifest
from ...competition.metrics.metrics import find_metric
from ...errors import BadData
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import read_json, write_json
from ...storage import compute_file_digest, write_bytes


def merge_hints(folder: CompetitionFolder, hints: Hints) -> Hints:
    """Return all answers of a person so far, the new ones in place of the old."""
    known = set(asdict(hints))
    before = {name: value for name, value in _read_hints(folder).get("answers", {}).items() if name in known}
    # What was not said this time is as it was.
    new = {name: value for name, value in asdict(hints).items() if value not in (None, False)}
    return Hints(**{**before, **new})


def save_manifest(folder: CompetitionFolder, manifest: Manifest, hints: Hints) -> None:
    """Write what was found out with a person's answers, and remember both, to know corrections by hand."""
    # The manifest comes last: once it is there, nobody finds out anew, nor writes the answers again.
    digest = hashlib.sha256(manifest.text.encode("utf-8")).hexdigest()
    write_json(folder.hints, {"answers": asdict(hints), "manifest": digest})
    manifest.save(folder.manifest)


def has_kaggle_metric(folder: CompetitionFolder) -> bool:
    """Whether our scores can be compared with Kaggle's: not where it judges by what we do not know.

    A person who named the metric knows better.
    """
    if not folder.facts.is_file() or _read_hints(folder).get("answers", {}).get("metric"):
        return True
    metric = str(read_json(folder.facts).get("metric", ""))
    return not metric or find_metric(metric) is not None


def back_up_edited_manifest(folder: CompetitionFolder, progress: Progress) -> None:
    """Keep a manifest that a person has corrected beside the one that is about to replace it."""
    if folder.manifest.is_file() and _read_manifest_digest(folder) not in ("", compute_file_digest(folder.manifest)):
        backup = folder.manifest.with_name(f"{folder.manifest.name}.before")
        write_bytes(backup, folder.manifest.read_bytes())
        progress.warn(f"{folder.manifest} was corrected by hand and is found out anew; the former is kept as {backup}.")


def _read_manifest_digest(folder: CompetitionFolder) -> str:
    """Return the digest of the manifest as it was found out; empty if that is not known."""
    return str(_read_hints(folder).get("manifest", ""))


def _read_hints(folder: CompetitionFolder) -> dict[str, Any]:
    try:
        content = read_json(folder.hints)
    except BadData:
        return {}
    return content if isinstance(content, dict) else {}
