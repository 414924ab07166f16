"""A competition with members, a stack, a CSV and an upload made up here, for tests of where it stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.members_made import make_member, small_competition
from helpers.stacks_made import make_stack

from ensembler.competition.tables import Tables
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.storage import compute_file_digest, write_text
from ensembler.submission.kaggle.facts import Submission
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer

Made = tuple[CompetitionFolder, Tables, Workspace]


def made_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Make a competition below the usual folders of the working folder, where no GPU is found."""
    folder, tables = small_competition(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    return folder, tables, Workspace(Path("data"), Path("submissions"))


def stacked(made: Made, members: tuple[str, ...] = ("a", "b")) -> Path:
    """Train members, stack them, and write a CSV; return it."""
    folder, tables, workspace = made
    for name in members:
        make_member(folder, tables, name)
    csv = workspace.submissions / folder.name / "20260101-a_b.csv"
    write_text(csv, "id,a\n1,0.5\n")
    make_stack(folder, tables)
    path = folder.stack("a_b") / "stack.json"
    later = max(file.stat().st_mtime for file in folder.root.rglob("fold.json")) + 1
    os.utime(path, (later, later))
    return csv


def recorded(made: Made, csv: Path, own: float = 0.4) -> tuple[Ledger, int]:
    """Write a CSV into the ledger; return the ledger and the answer's number."""
    folder, _, workspace = made
    ledger = Ledger(workspace.submissions)
    answer = Answer(
        folder.name,
        csv,
        compute_file_digest(csv),
        csv.stat().st_size,
        slug="cars",
        stack="a_b",
        metric="log loss",
        own=own,
    )
    return ledger, ledger.record(answer)


def uploaded(made: Made, csv: Path, told: Submission) -> None:
    """Have Kaggle know a CSV as ``told`` says."""
    ledger, answer = recorded(made, csv)
    ledger.mark_accepted(ledger.begin_upload(answer, told.description), told.ref)
    ledger.merge("cars", [told])
