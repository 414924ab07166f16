"""Scores members out of fold and stores the scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..competition.corrections.corrections import CorrectedData
from ..competition.folds.folds import Folds
from ..competition.metrics.score_columns import CORRECTED_NOTE, build_corrected_columns, build_score_columns
from ..competition.metrics.scores import Scores
from ..competition.metrics.scoring import compute_out_of_fold_scores
from ..competition.tables import Tables
from ..members.corrected_data import correct_data
from ..members.predictions import MemberPredictions
from ..members.scores import save_figures
from ..paths import CompetitionFolder
from ..tables import Listing, Table
from .results import MemberResult


def score_members(
    folder: CompetitionFolder,
    tables: Tables,
    members: Sequence[MemberPredictions],
    folds: Folds,
    corrected: CorrectedData | None = None,
) -> Listing[MemberResult]:
    """Score members out of fold, and store the scores in their folders.

    Parameters
    ----------
    corrected
        Data after corrections, on which all members are scored too. None uses each member's own.
    """
    scored = (_score_member(folder, tables, member, folds, corrected) for member in members)
    return Listing(scored, build_score_table)


def compute_corrected_scores(corrected: CorrectedData, out_of_fold: NDArray[np.floating]) -> Scores | None:
    """Score predictions of the scored photos by the labels that are learned, without the excluded photos.

    None if nothing is corrected, or no scored photo is left.
    """
    scored, kept = corrected.folds.scored, corrected.kept
    if not corrected.corrections or not (scored & kept).any():
        return None
    return compute_out_of_fold_scores(corrected.tables, out_of_fold[kept[scored]], scored & kept)


def build_score_table(members: Sequence[MemberResult]) -> Table:
    """Return a row for each member, with the log loss of each fold."""
    columns, cells = build_score_columns(members)
    corrected, corrected_cells = build_corrected_columns([member.corrected for member in members])
    rows = []
    for member, scores, after in zip(members, cells, corrected_cells, strict=True):
        folds = " ".join(f"{loss:.3f}" for loss in member.fold_log_losses)
        rows.append([member.name, *scores[:-1], *after, folds, scores[-1], f"{member.seconds:.0f}"])
    headers = ["member", *columns[:-1], *corrected, "per fold", columns[-1], "seconds"]
    notes = [CORRECTED_NOTE] if corrected else []
    if len({member.corrections for member in members if member.corrections}) > 1:
        notes.append("Members have other corrections than each other, so their corrected scores are not comparable.")
    return Table(headers, rows, notes=tuple(notes))


def _score_member(
    folder: CompetitionFolder,
    tables: Tables,
    member: MemberPredictions,
    folds: Folds,
    corrected: CorrectedData | None,
) -> MemberResult:
    scores = compute_out_of_fold_scores(tables, member.out_of_fold, folds.scored)
    own = correct_data(folder, member.name, tables, folds)
    after = compute_corrected_scores(own, member.out_of_fold)
    save_figures(folder, member.record, tables.manifest.metric, scores, after)
    return MemberResult(
        name=member.name,
        fold_log_losses=member.fold_scores,
        seconds=member.seconds,
        folder=folder.member(member.name),
        corrected=compute_corrected_scores(corrected, member.out_of_fold) if corrected else after,
        corrections=member.record.settings.corrections,
        **vars(scores),
    )
