"""Words about a time budget: the plan, what was cut and why, and members that an earlier budget cut short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...members.budget.planning import BudgetPlan
from ...members.records import MemberRecord, load_fold_record
from ...options.durations import format_duration
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress


def report_plan(
    plan: BudgetPlan,
    names: Sequence[str],
    requested: Sequence[MemberSettings],
    planned: Sequence[MemberSettings],
    folds: int,
    repeats: int,
    progress: Progress,
) -> None:
    """Tell what each member gets, and what was cut and why.

    Parameters
    ----------
    requested, planned
        Settings of each member as they were asked for, and as they will be.
    folds, repeats
        That were asked for, or that were there.
    """
    for number, (name, settings) in enumerate(zip(names, planned, strict=True)):
        progress.note(f"  {name}: {_describe_member(plan, number, settings, repeats)}")
    cuts = [*_describe_shared_cuts(plan, folds), *_describe_member_cuts(names, requested, planned)]
    if cuts:
        full = format_duration(plan.full_seconds)
        progress.note(f"Cut to fit, since all that was asked for takes about {full}: {'; '.join(cuts)}.")


def _describe_member(plan: BudgetPlan, member: int, settings: MemberSettings, repeats: int) -> str:
    seconds = plan.estimate_member_seconds(member)
    if not seconds:
        return "finished"
    requested = sum(phase.epochs for phase in settings.phases)
    done = sum(max(1.0, plan.share * phase.epochs) for phase in settings.phases)
    what = f"{_format_epochs(done)} of {requested} epochs" if requested else "heads on a frozen backbone"
    return (
        f"{what}, {_describe_folds(plan.folds, repeats)}, {settings.image_size} pixels, about "
        f"{format_duration(seconds)}"
    )


def _describe_folds(folds: int, repeats: int) -> str:
    words = f"{folds} folds" if folds > 1 else "one held-out fifth"
    return words if repeats == 1 else f"{words}, {repeats} times"


def _format_epochs(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _describe_shared_cuts(plan: BudgetPlan, folds: int) -> Iterator[str]:
    if plan.share < 1:
        yield f"epochs to {plan.share:.0%} of those asked for, at least one a phase"
    if plan.folds < folds:
        yield f"folds from {folds} to {plan.folds if plan.folds > 1 else 'one held-out fifth'}"


def _describe_member_cuts(
    names: Sequence[str], requested: Sequence[MemberSettings], planned: Sequence[MemberSettings]
) -> Iterator[str]:
    for name, before, after in zip(names, requested, planned, strict=True):
        if after.image_size < before.image_size:
            yield f"{name} with {after.image_size} instead of {before.image_size} pixels"
        if after.frozen and not before.frozen:
            yield f"{name} frozen instead of fine-tuned"


def report_cut_short(folder: CompetitionFolder, record: MemberRecord, progress: Progress) -> None:
    """Tell of a member whose finished folds had fewer epochs than asked for, since a budget cut them."""
    requested = sum(phase.epochs for phase in record.settings.phases)
    if not requested or record.settings.patience:
        return
    folds = [load_fold_record(folder, record.name, fold) for fold in range(record.folds_count)]
    done = [fold.epochs for fold in folds if fold is not None and fold.epochs is not None]
    if done and min(done) < requested:
        progress.note(
            f"{record.name} was trained within a time budget, by {_format_epochs(min(done))} to "
            f"{_format_epochs(max(done))} of "
            f"{requested} epochs: --restart trains it by all of them."
        )
