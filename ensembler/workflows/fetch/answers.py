"""A person's answers to what cannot be found out, kept so that a later answer does not undo the former ones."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace

from ...competition.layout.layout import Hints
from ...competition.manifest import Manifest
from ...competition.metrics.metrics import find_metric
from ...errors import BadData
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import read_record, write_record
from ...storage import compute_file_digest, write_bytes


@dataclass(frozen=True)
class _StoredHints:
    """A person's answers, and the checksum of the manifest that was written with them."""

    answers: Hints = Hints()  # noqa: RUF009 - Hints are frozen
    manifest: str = ""


@dataclass(frozen=True)
class KaggleFacts:
    """What Kaggle told of the competition when it was downloaded."""

    metric: str = ""
    code_only: bool = False


def read_facts(folder: CompetitionFolder) -> KaggleFacts:
    """Read what Kaggle told; nothing of a competition that did not come from Kaggle by us.

    Raises
    ------
    BadData
        If the file is damaged.
    """
    return read_record(folder.facts, KaggleFacts) if folder.facts.is_file() else KaggleFacts()


def merge_hints(folder: CompetitionFolder, hints: Hints) -> Hints:
    """Return all answers of a person so far, the new ones in place of the old."""
    # What was not said this time is as it was.
    new = {name: value for name, value in asdict(hints).items() if value not in (None, False)}
    return replace(_read_hints(folder).answers, **new)


def save_manifest(folder: CompetitionFolder, manifest: Manifest, hints: Hints) -> None:
    """Write what was found out with a person's answers, and remember both, to know corrections by hand."""
    # The manifest comes last: once it is there, nobody finds out anew, nor writes the answers again.
    digest = hashlib.sha256(manifest.text.encode("utf-8")).hexdigest()
    write_record(folder.hints, _StoredHints(hints, digest))
    manifest.save(folder.manifest)


def has_kaggle_metric(folder: CompetitionFolder) -> bool:
    """Whether our scores can be compared with Kaggle's: not where it judges by what we do not know.

    A person who named the metric knows better.
    """
    if not folder.facts.is_file() or _read_hints(folder).answers.metric:
        return True
    metric = read_facts(folder).metric
    return not metric or find_metric(metric) is not None


def back_up_edited_manifest(folder: CompetitionFolder, progress: Progress) -> None:
    """Keep a manifest that a person has corrected beside the one that is about to replace it."""
    if folder.manifest.is_file() and _read_hints(folder).manifest not in ("", compute_file_digest(folder.manifest)):
        backup = folder.manifest.with_name(f"{folder.manifest.name}.before")
        write_bytes(backup, folder.manifest.read_bytes())
        progress.warn(f"{folder.manifest} was corrected by hand and is found out anew; the former is kept as {backup}.")


def _read_hints(folder: CompetitionFolder) -> _StoredHints:
    try:
        return read_record(folder.hints, _StoredHints)
    except BadData:
        # Without a file, or with a damaged one, nothing is known.
        return _StoredHints()
