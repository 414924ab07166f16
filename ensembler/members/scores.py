"""A finished member's scores, kept beside it so that a list need not compute them again."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..competition.metrics.scores import Scores
from ..errors import BadData
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint, read_json, write_json_if_changed
from ..storage import compute_file_digest
from .records import MemberRecord


def _build_path(folder: CompetitionFolder, member: str) -> Path:
    return folder.member(member) / "figures.json"


def _hash_basis(folder: CompetitionFolder, record: MemberRecord, metric: str) -> str:
    """Hash of what figures rest on: the member, what was trained of it, and the metric that the manifest names."""
    folds = [compute_file_digest(folder.fold(record.name, fold) / "fold.json") for fold in range(record.folds_count)]
    return compute_fingerprint([record.fingerprint, folds, metric])


def save_figures(folder: CompetitionFolder, record: MemberRecord, metric: str, figures: Scores) -> None:
    """Write ``figures.json`` of a finished member.

    Parameters
    ----------
    metric
        As the manifest names it.
    """
    data = {name: None if _is_nan(value) else value for name, value in asdict(figures).items()}
    write_json_if_changed(_build_path(folder, record.name), {"basis": _hash_basis(folder, record, metric), **data})


def load_figures(folder: CompetitionFolder, record: MemberRecord, metric: str) -> Scores | None:
    """Read ``figures.json`` of a finished member; None if there are none, or of what is no longer there."""
    try:
        data = read_json(_build_path(folder, record.name))
        values = {field.name: data[field.name] for field in fields(Scores)}
        if data["basis"] != _hash_basis(folder, record, metric):
            return None
    except (BadData, KeyError, TypeError):
        return None
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in values.items()}
    return Scores(**known)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
