"""Where a competition stands, as text."""

from __future__ import annotations

from collections.abc import Iterator

from ...workflows.members.listed_member import Member
from ...workflows.status.standing import Brief, BuiltStack, Competition, Status
from .submissions import as_table

_SHOWN = 3


def status_lines(status: Status) -> list[str]:
    """Tell everything for a person to read; the command to type stands in a line of its own, the last."""
    lines = list(_competition_lines(status.competition)) if status.competition else []
    if len(status.competitions) > 1 or not status.competition:
        lines += [_brief_line(brief) for brief in status.competitions]
    command = [f"next: {status.next.command}"] if status.next.command else []
    return [*lines, *([""] if lines else []), status.next.reason, *command]


def _competition_lines(found: Competition) -> Iterator[str]:
    manifest = found.manifest
    unreadable = f", {found.unreadable} unreadable" if found.unreadable else ""
    yield found.folder.name
    yield f"  task         {manifest.sentence()}"
    if found.training is not None:
        yield f"  photos       {found.training} to train on, {found.test} to predict{unreadable}"
    yield f"  metric       {manifest.metric}"
    yield f"  folds        {found.folds or 'none yet'}"
    yield from _column("members", [_member_line(member) for member in found.members])
    yield from _column("stacks", [_stack_line(stack) for stack in found.stacks[:_SHOWN]])
    yield f"  newest CSV   {found.newest_csv or 'none yet'}"
    yield from _column("submissions", _upload_lines(found))


def _column(title: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines or ["none yet"]):
        yield f"  {title if number == 0 else '':12} {line}"


def _member_line(member: Member) -> str:
    loss = "" if member.log_loss is None else f", log loss {member.log_loss:.4f}"
    if member.running:
        state = f"{member.folds_done} of {member.folds} folds, being trained by {member.running}"
    elif member.stale:
        state = f"of no use: trained with other {member.stale}"
    else:
        state = "finished" if member.finished else f"{member.folds_done} of {member.folds} folds"
    return f"{member.name}: {state}{loss}"


def _stack_line(stack: BuiltStack) -> str:
    error = "" if stack.standard_error is None else f" ± {stack.standard_error:.4f}"
    loss = "" if stack.metric == "log loss" else f", log loss {stack.log_loss:.4f}"
    return f"{stack.name}: {stack.metric} {stack.score:.4f}{error}{loss}"


def _upload_lines(found: Competition) -> list[str]:
    if found.folder.is_ours:
        return ["not on Kaggle"]
    lines = [line.strip() for line in as_table(found.uploads[:_SHOWN])] if found.uploads else []
    best = found.best_public
    return [*lines, f"best public score {best.public:g} ({best.file_name})"] if best else lines


def _brief_line(brief: Brief) -> str:
    mark = "*" if brief.current else " "
    if brief.trouble:
        return f"{mark} {brief.name}: {brief.trouble}"
    score = "no stack yet" if brief.score is None else f"newest stack {brief.score:.4f}"
    return f"{mark} {brief.name}: {brief.task}, {brief.metric}; {brief.finished} of {brief.members} members, {score}"
