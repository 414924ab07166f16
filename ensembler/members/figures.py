"""A finished member's scores, kept beside it so that a list need not compute them again."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..competition.metrics.figures import Figures
from ..errors import BadData
from ..paths import CompetitionFolder
from ..serialization import fingerprint, keep_json, read_json
from ..storage import file_digest
from .records import MemberRecord


def _path(folder: CompetitionFolder, member: str) -> Path:
    return folder.member(member) / "figures.json"


def _basis(folder: CompetitionFolder, record: MemberRecord, metric: str) -> str:
    """Hash of what figures rest on: the member, what was trained of it, and the metric that the manifest names."""
    folds = [file_digest(folder.fold(record.name, fold) / "fold.json") for fold in range(record.folds_count)]
    return fingerprint([record.fingerprint, folds, metric])


def save_figures(folder: CompetitionFolder, record: MemberRecord, metric: str, figures: Figures) -> None:
    """Write ``figures.json`` of a finished member.

    Parameters
    ----------
    metric
        As the manifest names it.
    """
    told = {name: None if _is_nan(value) else value for name, value in asdict(figures).items()}
    keep_json(_path(folder, record.name), {"basis": _basis(folder, record, metric), **told})


def load_figures(folder: CompetitionFolder, record: MemberRecord, metric: str) -> Figures | None:
    """Read ``figures.json`` of a finished member; None if there are none, or of what is no longer there."""
    try:
        told = read_json(_path(folder, record.name))
        values = {field.name: told[field.name] for field in fields(Figures)}
        if told["basis"] != _basis(folder, record, metric):
            return None
    except (BadData, KeyError, TypeError):
        return None
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in values.items()}
    return Figures(**known)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
