from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from ensembler.members.speed import Speed
from ensembler.workflows.listed_member import Member
from ensembler.workflows.members_text import member_notes, member_table

HERE = socket.gethostname()
SPEED = Speed("print", 4_049_571, 12.345, 210.04, 100, 32, "a processor", 2, HERE)
MEMBER = Member(
    name="b0",
    folder=Path("members/b0"),
    settings={"backbone": "b0", "epochs": "5"},
    folds_done=5,
    folds=5,
    fold_log_losses=(0.1,) * 5,
    log_loss=0.12345,
    log_loss_spread=0.01,
    accuracy=0.95,
    metric="log loss",
    score=0.12345,
    standard_error=0.002,
    seconds=60.0,
    seconds_per_epoch=2.25,
    speed=SPEED,
    bytes_on_disk=16_200_000,
    running="",
    stale="",
)
BEGUN = dataclasses.replace(
    MEMBER,
    name="b0@x",
    folds_done=0,
    fold_log_losses=(),
    seconds_per_epoch=None,
    speed=None,
    **dict.fromkeys(("log_loss", "log_loss_spread", "accuracy", "metric", "score", "standard_error")),
)


def cells(member: Member) -> dict[str, str]:
    columns, (row,) = member_table([member])
    return dict(zip(columns, row, strict=True))


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
    columns, rows = member_table([BEGUN, dataclasses.replace(MEMBER, metric="roc auc", score=0.9)])
    assert columns[:4] == ["member", "folds", "roc auc", "log loss"]
    assert [row[2] for row in rows] == ["", "0.9000 ± 0.0020"]


@pytest.mark.parametrize(
    ("changed", "column", "cell"),
    [
        ({"running": "process 7"}, "folds", "5/5 running"),
        ({"stale": "folds"}, "folds", "5/5 stale"),
        ({"name": "strong"}, "settings that differ", "backbone b0, epochs 5"),
        ({"speed": dataclasses.replace(SPEED, parameters=1234)}, "parameters", "1,234"),
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
        ({"speed": None}, ["Not measured on this machine: b0; `ensembler members --measure` does."]),
        (
            {"speed": dataclasses.replace(SPEED, host="moon")},
            [
                "Speeds measured on a processor, 2 threads (moon).",
                "Not measured on this machine: b0; `ensembler members --measure` does.",
            ],
        ),
        ({"folds_done": 0, "speed": None}, []),
    ],
)
def test_notes(changed: dict[str, object], notes: list[str]) -> None:
    assert member_notes([dataclasses.replace(MEMBER, **changed)]) == notes  # type: ignore[arg-type]
