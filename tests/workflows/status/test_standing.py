from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

from helpers.listed_members import BEGUN, MEMBER

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.paths import CompetitionFolder
from ensembler.submission.ledger.rows import Row
from ensembler.workflows.status.standing import (
    BuiltStack,
    CompetitionStatus,
    CompetitionSummary,
    LastCheck,
    NextStep,
    Status,
)

MANIFEST = Manifest(
    "cars",
    "cars",
    "binary",
    ("new", "dented"),
    "raw",
    TrainLayout("train", "names"),
    TestLayout("test"),
    AnswerLayout("sample.csv", "id", ("dented",), "probabilities"),
    metric="roc auc",
)
STACK = BuiltStack(
    "b0_b1",
    Path("b0_b1"),
    Path("b0_b1", "stack.keras"),
    ("b0", "b1"),
    "roc auc",
    0.9,
    0.01,
    0.25,
    datetime(2026, 1, 31, tzinfo=UTC),
)
ROW = Row(
    competition="cars",
    slug="cars",
    path=Path("x.csv"),
    file_name="x.csv",
    sha256="0",
    total_bytes=1,
    made=None,
    kind="csv",
    stack="b0_b1",
    members=(),
    folds="",
    samples="",
    metric="roc auc",
    larger_is_better=True,
    own=0.9,
    own_error=0.01,
    own_log_loss=0.25,
    own_corrected=None,
    description="first",
    ref=7,
    began=None,
    submitted=datetime(2026, 1, 31, 12, tzinfo=UTC),
    status="COMPLETE",
    public=0.91,
    private=None,
    reason="",
)
NEXT = NextStep("ensembler stack", "Because.")


def describe(status: Status) -> list[str]:
    return str(status).splitlines()


def competition(folder: Path, **changed: object) -> CompetitionStatus:
    found = CompetitionStatus(CompetitionFolder(folder / "cars"), MANIFEST, 10, 4, 1, 5, (), (), None, ())
    return dataclasses.replace(found, **changed)  # type: ignore[arg-type]


def test_a_competition_that_was_just_fetched(tmp_path: Path) -> None:
    assert describe(Status(competition(tmp_path, folds=0), (CompetitionSummary("cars", current=True),), NEXT)) == [
        "cars",
        "task         binary: `dented` is the probability of 'dented', not 'new'",
        "photos       10 to train on, 4 to predict, 1 unreadable",
        "check        none yet",
        "metric       roc auc",
        "folds        none yet",
        "members      none yet",
        "stacks       none yet",
        "newest CSV   none yet",
        "submissions  none yet",
        "",
        "Because.",
        "next: ensembler stack",
    ]


def test_all_that_was_made(tmp_path: Path) -> None:
    running = dataclasses.replace(BEGUN, running="process 7 on moon since noon")
    stale = dataclasses.replace(MEMBER, name="b1", stale="folds")
    better = dataclasses.replace(ROW, file_name="best.csv", public=0.95)
    found = competition(
        tmp_path,
        members=(MEMBER, running, stale, dataclasses.replace(BEGUN, name="b2")),
        stacks=(STACK, dataclasses.replace(STACK, name="b0", metric="log loss", score=0.25, standard_error=None)),
        newest_csv=Path("x.csv"),
        check=LastCheck("2026-01-30T12:00:00+00:00", 1, ("blank photo", "leak"), is_current=False),
        submissions=(ROW, dataclasses.replace(ROW, file_name="no.csv", status=""), better),
    )
    lines = describe(Status(found, (), NEXT))
    assert lines[3] == "check        1 doubt (blank photo, leak), 2026-01-30; the photos or labels have changed since"
    assert lines[6:13] == [
        "members      b0: finished, log loss 0.1235",
        "             b0@x: 0 of 5 folds, being trained by process 7 on moon since noon",
        "             b1: unusable, trained on other folds, log loss 0.1235",
        "             b2: 0 of 5 folds",
        "stacks       b0_b1: roc auc 0.9000 ± 0.0100, log loss 0.2500",
        "             b0: log loss 0.2500",
        "newest CSV   x.csv",
    ]
    assert lines[13].startswith("submissions  when (UTC)")
    assert [line.split()[2] for line in lines[14:16]] == ["x.csv", "best.csv"]
    assert lines[16].strip() == "best public score 0.95 (best.csv)"


def test_several_competitions_in_short(tmp_path: Path) -> None:
    briefs = (
        CompetitionSummary("bad", current=False, trouble="It is damaged."),
        CompetitionSummary("cars", current=True, task="binary", metric="roc auc", finished=1, members=2, score=0.9),
        CompetitionSummary("dogs", current=False, task="multiclass", metric="log loss"),
    )
    assert describe(Status(competition(tmp_path), briefs, NEXT))[11:] == [
        "  bad: It is damaged.",
        "* cars: binary, roc auc; 1 of 2 members, newest stack 0.9000",
        "  dogs: multiclass, log loss; 0 of 0 members, no stack yet",
        "",
        "Because.",
        "next: ensembler stack",
    ]


def test_nothing_is_there() -> None:
    assert describe(Status(None, (), NEXT)) == ["Because.", "next: ensembler stack"]


def test_nothing_is_left_to_do(tmp_path: Path) -> None:
    assert describe(Status(competition(tmp_path), (), NextStep("", "Done.")))[-2:] == ["", "Done."]
