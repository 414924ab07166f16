"""Events about the members of a call: their settings, and their scores."""

from __future__ import annotations

from collections.abc import Iterable

from ...events import MemberPlanned, MemberScored
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain
from ..results import MemberResult, collect_figures
from .plan_jobs import MemberPlan


def report_members(
    folder: CompetitionFolder, plans: Iterable[MemberPlan], progress: Progress, *, restart: bool
) -> None:
    """Emit an event for each member that a call trains, with its settings and unfinished folds."""
    for plan in plans:
        record = plan.record
        progress.emit(
            MemberPlanned(
                record.name,
                folder.name,
                record.fingerprint,
                convert_to_plain(record.settings),
                {"samples": record.samples, "folds": record.folds},
                tuple(record.list_unfinished_folds(folder)),
                restart,
            )
        )


def report_scores(members: Iterable[MemberResult], progress: Progress) -> None:
    """Emit an event for each member, with its scores out of fold."""
    for member in members:
        scores = {**collect_figures(member), "seconds": member.seconds}
        progress.emit(MemberScored(member.name, member.metric, scores))
