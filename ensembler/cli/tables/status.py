"""Where a competition stands, as text."""

from __future__ import annotations

from collections.abc import Iterator

from ...figures import format_score
from ...workflows.members.listed_member import ListedMember
from ...workflows.status.standing import BuiltStack, CompetitionStatus, CompetitionSummary, Status
from .submissions import format_table

_MAX_SHOWN = 3


def describe_status(status: Status) -> list[str]:
    """Tell everything for a person to read; the command to type stands in a line of its own, the last."""
    lines = list(_describe_competition(status.competition)) if status.competition else []
    if len(status.competitions) > 1 or not status.competition:
        lines += [_format_summary(brief) for brief in status.competitions]
    command = [f"next: {status.next.command}"] if status.next.command else []
    return [*lines, *([""] if lines else []), status.next.reason, *command]


def _describe_competition(competition: CompetitionStatus) -> Iterator[str]:
    manifest = competition.manifest
    unreadable = f", {competition.unreadable} unreadable" if competition.unreadable else ""
    yield competition.folder.name
    yield f"  task         {manifest.describe()}"
    if competition.training is not None:
        yield f"  photos       {competition.training} to train on, {competition.test} to predict{unreadable}"
    yield f"  metric       {manifest.metric}"
    yield f"  folds        {competition.folds or 'none yet'}"
    yield from _format_section("members", [_format_member(member) for member in competition.members])
    yield from _format_section("stacks", [_format_stack(stack) for stack in competition.stacks[:_MAX_SHOWN]])
    yield f"  newest CSV   {competition.newest_csv or 'none yet'}"
    yield from _format_section("submissions", _format_uploads(competition))


def _format_section(title: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines or ["none yet"]):
        yield f"  {title if number == 0 else '':12} {line}"


def _format_member(member: ListedMember) -> str:
    loss = "" if member.log_loss is None else f", log loss {member.log_loss:.4f}"
    if member.running:
        state = f"{member.folds_done} of {member.folds} folds, being trained by {member.running}"
    elif member.stale:
        state = f"of no use: trained with other {member.stale}"
    else:
        state = "finished" if member.is_finished else f"{member.folds_done} of {member.folds} folds"
    return f"{member.name}: {state}{loss}"


def _format_stack(stack: BuiltStack) -> str:
    loss = "" if stack.metric == "log loss" else f", log loss {stack.log_loss:.4f}"
    return f"{stack.name}: {stack.metric} {format_score(stack.score, stack.standard_error)}{loss}"


def _format_uploads(competition: CompetitionStatus) -> list[str]:
    if competition.folder.is_ours:
        return ["not on Kaggle"]
    lines = [line.strip() for line in format_table(competition.uploads[:_MAX_SHOWN])] if competition.uploads else []
    best = competition.best_public
    return [*lines, f"best public score {best.public:g} ({best.file_name})"] if best else lines


def _format_summary(summary: CompetitionSummary) -> str:
    mark = "*" if summary.current else " "
    if summary.trouble:
        return f"{mark} {summary.name}: {summary.trouble}"
    score = "no stack yet" if summary.score is None else f"newest stack {summary.score:.4f}"
    return (
        f"{mark} {summary.name}: {summary.task}, {summary.metric}; {summary.finished} of {summary.members} "
        f"members, {score}"
    )
