from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.members_made import SETTINGS
from helpers.photos import Heard

from ensembler.competition.folds.folds import Folds
from ensembler.members.allotment import PhaseEpochs
from ensembler.members.budget.costs import NetworkCost
from ensembler.members.budget.planning import BudgetPlan
from ensembler.members.records import FoldRecord, MemberRecord, count_epochs_done
from ensembler.options.phases import Phase
from ensembler.paths import CompetitionFolder
from ensembler.serialization import write_record
from ensembler.workflows.train.budget import describe_plan, report_cut_short

COLUMN = pd.Series(["a"] * 10)
FIVE_FOLDS = Folds(np.arange(10)[:, None] % 5, 5, COLUMN, COLUMN)
TUNED = replace(SETTINGS, phases=(Phase("none", 1, 0.01), Phase("all", 10, 0.01)), image_size=224)
SMALLER = replace(TUNED, image_size=96, phases=())


def test_a_plan_is_a_line_a_member_then_what_was_cut() -> None:
    phases = (PhaseEpochs(1, 30), PhaseEpochs(10, 60))
    jobs = [*([NetworkCost(0, fold, 60.0, phases, 10.0)] for fold in range(3)), [NetworkCost(1, 0, 90.0)]]
    ways = [(TUNED, ""), (SMALLER, ""), (TUNED, "")]
    plan = BudgetPlan(ways, folds=3, share=0.25, jobs=jobs, seconds=800, full_seconds=9000)
    assert list(describe_plan(plan, ["b0", "b3", "done"], [TUNED] * 3, FIVE_FOLDS)) == [
        "  b0: 3.5 of 11 epochs, 3 folds, 224 pixels, about 12m 30s",
        "  b3: heads on a frozen backbone, 3 folds, 96 pixels, about 1m 30s",
        "  done: finished",
        "Cut to fit, since the requested training takes about 2h 30m: epochs to 25% of those requested, at least one a "
        "phase; folds from 5 to 3; b3 with 96 instead of 224 pixels; b3 frozen instead of fine-tuned.",
    ]


@pytest.mark.parametrize(
    ("epochs", "patience", "note"),
    [
        ((3.5, 4.0), 0, "b0 was trained within a time budget, by 3.5 to 4 of 11 epochs: restart=True"),
        ((11.0, 11.0), 0, ""),
        # It may have ended by itself.
        ((3.0, 4.0), 2, ""),
        ((None, None), 0, ""),
    ],
)
def test_members_that_were_cut_short_are_told(
    tmp_path: Path, epochs: tuple[float | None, ...], patience: int, note: str
) -> None:
    folder = CompetitionFolder(tmp_path)
    record = MemberRecord("b0", replace(TUNED, patience=patience), "", "", 3, ("a",))
    for fold, done in enumerate(epochs):
        write_record(folder.fold("b0", fold) / "fold.json", FoldRecord("", fold, 0.5, 1, 1.0, "", {}, done))
    heard = Heard()
    report_cut_short(folder, record, heard)
    assert [text.startswith(note) for text in heard.notes] == ([True] if note else [])


def test_a_part_of_an_epoch_counts_as_that() -> None:
    assert count_epochs_done([{"share": 1.0}, {"share": 1.0}, {"share": 0.41}]) == 2.41
    assert count_epochs_done([{"phase": "head"}]) == 0
