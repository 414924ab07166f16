"""The scores of a finished member, stored beside it so that a list does not compute them again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..competition.metrics.scores import Scores
from ..errors import BadData
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint, convert_to_plain, make_record, read_record, write_json_if_changed
from ..storage import compute_file_digest
from .records import MemberRecord


@dataclass(frozen=True, kw_only=True)
class StoredScores(Scores):
    """Content of ``figures.json``. NaN is stored as null.

    Attributes
    ----------
    basis
        Hash of the member, its trained folds, and the metric that the manifest names.
    corrected_score, corrected_log_loss
        Scores without excluded photos and by new labels. NaN if the member learned all labels as they are.
    """

    basis: str
    corrected_score: float = math.nan
    corrected_log_loss: float = math.nan


def _build_path(folder: CompetitionFolder, member: str) -> Path:
    return folder.member(member) / "figures.json"


def _hash_basis(folder: CompetitionFolder, record: MemberRecord, metric: str) -> str:
    folds = [compute_file_digest(folder.fold(record.name, fold) / "fold.json") for fold in range(record.folds_count)]
    return compute_fingerprint([record.fingerprint, folds, metric])


def save_figures(
    folder: CompetitionFolder, record: MemberRecord, metric: str, scores: Scores, corrected: Scores | None = None
) -> None:
    """Write ``figures.json`` of a finished member.

    Parameters
    ----------
    metric
        Name of the metric in the manifest.
    corrected
        Scores without excluded photos and by new labels.
    """
    after = {f"corrected_{name}": vars(corrected)[name] for name in ("score", "log_loss")} if corrected else {}
    stored = StoredScores(**vars(scores), basis=_hash_basis(folder, record, metric), **after)
    write_json_if_changed(_build_path(folder, record.name), convert_to_plain(stored))


def load_figures(folder: CompetitionFolder, record: MemberRecord, metric: str) -> StoredScores | None:
    """Read ``figures.json`` of a finished member. Return None if it is missing, damaged or out of date."""
    path = _build_path(folder, record.name)
    try:
        content = read_record(path, dict[str, str | float | None])
        known = {name: math.nan if value is None else value for name, value in content.items()}
        stored = make_record(known, StoredScores, path)
        return stored if stored.basis == _hash_basis(folder, record, metric) else None
    except BadData:
        return None
