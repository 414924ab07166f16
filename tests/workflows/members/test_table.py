from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from helpers.listed_members import BEGUN, HERE, MEMBER, SPEED

from ensembler.workflows.members.listed_member import ListedMember
from ensembler.workflows.members.table import build_member_table, list_member_notes


def cells(member: ListedMember) -> dict[str, str]:
    table = build_member_table([member])
    return dict(zip(table.columns, table.rows[0], strict=True))


def test_a_finished_member() -> None:
    assert cells(MEMBER) == {
        "member": "b0",
        "folds": "5/5",
        "log loss": "0.1235",
        "spread": "0.0100",
        "accuracy": "0.9500",
        "parameters": "4.05 M",
        "MB": "16.2",
        "s/epoch": "2.2",
        "ms/photo": "12.3",
        "photos/s": "210",
        "settings that differ": "epochs 5",
    }


def test_what_is_not_known_is_empty() -> None:
    assert set(cells(BEGUN).values()) == {"b0@x", "0/5", "", "16.2", "epochs 5"}


def test_another_metric_has_a_column_before_log_loss() -> None:
    table = build_member_table([BEGUN, dataclasses.replace(MEMBER, metric="roc auc", score=0.9)])
    columns, rows = table.columns, table.rows
    assert columns[:4] == ["member", "folds", "roc auc", "log loss"]
    assert [row[2] for row in rows] == ["", "0.9000 ± 0.0020"]


@pytest.mark.parametrize(
    ("changed", "column", "cell"),
    [
        ({"running": "process 7"}, "folds", "5/5 running"),
        ({"stale": "folds"}, "folds", "5/5 stale"),
        ({"name": "strong"}, "settings that differ", "backbone b0, epochs 5"),
        ({"speed": replace(SPEED, parameters=1234)}, "parameters", "1,234"),
        ({"speed": replace(SPEED, milliseconds_per_photo=0.0, single=0)}, "ms/photo", ""),
        ({"speed": replace(SPEED, milliseconds_per_photo=0.0, single=0)}, "photos/s", "210"),
        ({"speed": replace(SPEED, photos_per_second=0.0)}, "photos/s", ""),
    ],
)
def test_a_cell(changed: dict[str, object], column: str, cell: str) -> None:
    assert cells(dataclasses.replace(MEMBER, **changed))[column] == cell  # type: ignore[arg-type]


MEASURED = f"Speeds measured on a processor, 2 threads ({HERE})."


@pytest.mark.parametrize(
    ("changed", "notes"),
    [
        ({}, [MEASURED]),
        ({"running": "process 7"}, ["b0 is being trained by process 7.", MEASURED]),
        (
            {"speed": None},
            [
                "Single photos were not timed on this machine: b0. Time them with "
                "`ensembler.list_members(measure=True)`."
            ],
        ),
        (
            {"speed": replace(SPEED, host="moon")},
            [
                "Speeds measured on a processor, 2 threads (moon).",
                "Single photos were not timed on this machine: b0. Time them with "
                "`ensembler.list_members(measure=True)`.",
            ],
        ),
        (
            {"speed": replace(SPEED, single=0)},
            [
                MEASURED,
                "Single photos were not timed on this machine: b0. Time them with "
                "`ensembler.list_members(measure=True)`.",
            ],
        ),
        ({"folds_done": 0, "speed": None}, []),
    ],
)
def test_notes(changed: dict[str, object], notes: list[str]) -> None:
    assert list_member_notes([dataclasses.replace(MEMBER, **changed)]) == notes  # type: ignore[arg-type]
