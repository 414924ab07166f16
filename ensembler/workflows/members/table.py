"""Table of members, and notes below it."""

from __future__ import annotations

from collections.abc import Sequence

from ...callers import address_caller
from ...figures import format_number, format_parameters, format_score
from ...tables import Table
from .listed_member import DAMAGED_FOLDS, ListedMember

SETTINGS_COLUMN = "settings that differ"


def build_member_table(members: Sequence[ListedMember]) -> Table:
    """Return the table of members. Cells of unknown values are empty.

    The competition's metric has a column unless it is log loss or accuracy.
    """
    metric = next((member.metric for member in members if member.metric not in (None, "log loss", "accuracy")), None)
    columns = ["member", "folds", *([metric] if metric else []), "log loss", "spread", "accuracy", "parameters", "MB"]
    columns += ["s/epoch", "ms/photo", "photos/s", SETTINGS_COLUMN]
    rows = [_format_row(member, metric) for member in members]
    return Table(columns, rows, [SETTINGS_COLUMN], list_member_notes(members))


def _format_row(member: ListedMember, metric: str | None) -> list[str]:
    # The member's name contains its backbone.
    speed, named = member.speed, ("backbone", member.name.partition("@")[0])
    return [
        member.name,
        f"{member.folds_done}/{member.folds}" + (" running" if member.running else " stale" if member.stale else ""),
        *([format_score(member.score, member.standard_error)] if metric else []),
        format_number(member.log_loss),
        format_number(member.log_loss_spread),
        format_number(member.accuracy),
        format_parameters(speed.parameters) if speed else "",
        f"{member.bytes_on_disk / 1e6:.1f}",
        format_number(member.seconds_per_epoch, 1),
        f"{speed.milliseconds_per_photo:.3g}" if speed and speed.single else "",
        f"{speed.photos_per_second:.3g}" if speed and speed.photos_per_second else "",
        ", ".join(f"{name} {value}" for name, value in member.settings.items() if (name, value) != named),
    ]


def list_member_notes(members: Sequence[ListedMember]) -> list[str]:
    """Return notes about running and stale members, and about the machines of measured speeds."""
    notes = [f"{member.name} is being trained by {member.running}." for member in members if member.running]
    notes += [
        f"{member.name} was {member.stale_reason}: train it again with --restart."
        for member in members
        if member.stale and member.stale != DAMAGED_FOLDS
    ]
    measured = {(speed.device, speed.threads, speed.host) for member in members if (speed := member.speed)}
    notes += [f"Speeds measured on {device}, {threads} threads ({host})." for device, threads, host in sorted(measured)]
    lacking = [
        member.name for member in members if member.folds_done and not (member.speed and member.speed.is_complete)
    ]
    if lacking:
        notes.append(
            f"Single photos were not timed on this machine: {', '.join(lacking)}. Time them with "
            "`ensembler members --measure`."
        )
    return list(map(address_caller, notes))
