"""Scores members out of fold and stores the scores."""

from __future__ import annotations

from collections.abc import Sequence

from ..competition.folds.folds import Folds
from ..competition.metrics.score_columns import build_score_columns
from ..competition.metrics.scoring import compute_out_of_fold_scores
from ..competition.tables import Tables
from ..members.predictions import MemberPredictions
from ..members.scores import save_figures
from ..paths import CompetitionFolder
from ..tables import Listing, Table
from .results import MemberResult


def score_members(
    folder: CompetitionFolder, tables: Tables, members: Sequence[MemberPredictions], folds: Folds
) -> Listing[MemberResult]:
    """Score members out of fold, and store the scores in their folders."""
    return Listing((_score_member(folder, tables, member, folds) for member in members), build_score_table)


def build_score_table(members: Sequence[MemberResult]) -> Table:
    """Return a row for each member, with the log loss of each fold."""
    columns, cells = build_score_columns(members)
    rows = []
    for member, scores in zip(members, cells, strict=True):
        folds = " ".join(f"{loss:.3f}" for loss in member.fold_log_losses)
        rows.append([member.name, *scores[:-1], folds, scores[-1], f"{member.seconds:.0f}"])
    return Table(["member", *columns[:-1], "per fold", columns[-1], "seconds"], rows)


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
