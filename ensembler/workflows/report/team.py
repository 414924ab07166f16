"""The second section: members with their costs and scores, and their parts in the shown stack."""

from __future__ import annotations

from collections.abc import Mapping

from ...members.records import MemberRecord
from ...options.settings import list_differing_settings
from ...reports.histories import read_curves
from ...reports.member_facts import FoldCurve, MemberFacts, MembersFacts
from ...reports.stack_file import StackFile, StoredMember, read_bounds
from ..members.listed_member import ListedMember
from .sources import Sources


def describe_members(sources: Sources, shown: StackFile | None) -> MembersFacts:
    """Return the second section's facts.

    Parameters
    ----------
    shown
        Record of the shown stack. None if there is none.
    """
    parts = {member.name: member for member in shown.members} if shown else {}
    members = tuple(
        _describe_member(
            member,
            sources.records.get(member.name),
            parts.get(member.name),
            _read_curves(sources, member.name),
        )
        for member in sources.standing.members
    )
    gap = None if members else sources.make_gap("No member has a finished fold yet.")
    if shown is None:
        stack_gap = sources.make_gap("What each member adds is known after stacking.", "stack") if members else None
        return MembersFacts(members=members, gap=gap, stack_gap=stack_gap)
    names = tuple(parts) if len(parts) > 1 else ()
    return MembersFacts(
        members=members,
        correlated=names,
        correlations=tuple(
            tuple(part.error_correlations.get(name) for name in names) for part in shown.members if names
        ),
        meta_learners={name: score.score for name, score in shown.meta_learners.items() if score.score is not None},
        gap=gap,
    )


def _read_curves(sources: Sources, member: str) -> tuple[FoldCurve, ...]:
    none: tuple[FoldCurve, ...] = ()
    record = sources.records.get(member)
    return sources.troubles.attempt(lambda: read_curves(sources.folder, record), none) if record else none


def _describe_member(
    member: ListedMember, record: MemberRecord | None, part: StoredMember | None, curves: tuple[FoldCurve, ...]
) -> MemberFacts:
    speed = member.speed
    without = part.loss_without if part else None
    return MemberFacts(
        name=member.name,
        state=_describe_state(member),
        is_finished=member.is_finished,
        in_stack=part is not None,
        frozen=record is not None and record.settings.frozen,
        log_loss=member.log_loss,
        log_loss_spread=member.log_loss_spread,
        score=member.score,
        standard_error=member.standard_error,
        accuracy=member.accuracy,
        fold_log_losses=member.fold_log_losses,
        seconds=round(member.seconds, 3),
        seconds_per_epoch=member.seconds_per_epoch,
        milliseconds_per_photo=(speed.milliseconds_per_photo or None) if speed else None,
        photos_per_second=(speed.photos_per_second or None) if speed else None,
        single=(speed.single or None) if speed else None,
        device=speed.device if speed else "",
        parameters=(speed.parameters or None) if speed else None,
        megabytes=(speed.megabytes or None) if speed else None,
        settings=member.settings,
        corrected_log_loss=member.corrected_log_loss,
        without=without.value if without else None,
        without_interval=read_bounds(without.interval) if without else None,
        errors_alike=_average_others(part) if part else None,
        curves=curves,
    )


def _average_others(part: StoredMember) -> float | None:
    others = [value for name, value in part.error_correlations.items() if name != part.name and value is not None]
    return sum(others) / len(others) if others else None


def _describe_state(member: ListedMember) -> str:
    if member.running:
        return f"{member.folds_done} of {member.folds} folds, in training"
    if member.stale:
        return member.stale_reason
    return "finished" if member.is_finished else f"{member.folds_done} of {member.folds} folds"


def describe_settings(records: Mapping[str, MemberRecord]) -> dict[str, dict[str, str]]:
    """Return the settings of each member in words: those that differ, and the seed."""
    differing = list_differing_settings([record.settings for record in records.values()])
    return {
        name: {
            "backbone": record.settings.backbone,
            "image_size": str(record.settings.image_size),
            "seed": str(record.settings.seed),
            **words,
        }
        for (name, record), words in zip(records.items(), differing, strict=True)
    }
