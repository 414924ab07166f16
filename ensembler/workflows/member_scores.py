"""Score members out of fold, and keep their figures."""

from __future__ import annotations

from collections.abc import Sequence

from ..competition.folds.folds import Folds
from ..competition.metrics.scoring import compute_out_of_fold_scores
from ..competition.tables import Tables
from ..members.predictions import MemberPredictions
from ..members.scores import save_figures
from ..paths import CompetitionFolder
from .results import MemberResult


def score_members(
    folder: CompetitionFolder, tables: Tables, members: Sequence[MemberPredictions], folds: Folds
) -> list[MemberResult]:
    """Score members out of fold; the figures are kept beside them."""
    return [_score_member(folder, tables, member, folds) for member in members]


def _score_member(folder: CompetitionFolder, tables: Tables, member: MemberPredictions, folds: Folds) -> MemberResult:
    scores = compute_out_of_fold_scores(tables, member.out_of_fold, folds.scored)
    save_figures(folder, member.record, tables.manifest.metric, scores)
    return MemberResult(
        name=member.name,
        fold_log_losses=member.fold_scores,
        seconds=member.seconds,
        folder=folder.member(member.name),
        **vars(scores),
    )
