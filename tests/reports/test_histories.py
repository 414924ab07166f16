from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.members_made import SETTINGS

from ensembler.members.records import MemberRecord
from ensembler.options.phases import Phase
from ensembler.paths import Workspace
from ensembler.reports.histories import make_member_curves, read_curves
from ensembler.storage import write_text

HEAD = "phase,epoch,training_loss,val_log_loss,held_out_log_loss,seconds\n"


@pytest.mark.parametrize(
    ("rows", "phases", "validation"),
    [
        (["all,1,0.9,,0.8,1", "all,2,0.7,,nan,1"], (1, 1), (0.8, None)),
        (["none,1,0.9,0.5,0.8,1", "all,1,0.7,0.4,,1", "all,2,0.7,0.3,0.2,1"], (1, 2, 2), (0.5, 0.4, 0.3)),
        # Two phases may train the same layers, with other rates.
        (["all,1,0.9,,0.8,1", "all,2,0.8,,0.7,1", "all,1,0.7,,0.6,1", "all,1,0.7,,0.5,1"], (1, 1, 2, 3), None),
    ],
)
def test_phases_and_losses_are_those_of_the_histories(
    tmp_path: Path, rows: list[str], phases: tuple[int, ...], validation: tuple[float | None, ...] | None
) -> None:
    folder = Workspace(tmp_path, tmp_path).competition("made")
    record = MemberRecord("b0", replace(SETTINGS, phases=(Phase("all", 2, 0.1),)), "s", "f", 2, ("a", "b"))
    write_text(folder.fold("b0", 0) / "history.csv", HEAD + "\n".join(rows) + "\n")
    (fold,) = make_member_curves("b0", read_curves(folder, record)).folds
    assert list(fold.epochs) == list(range(1, len(rows) + 1))
    assert fold.phases == phases
    assert validation is None or fold.validation_loss == validation
    assert read_curves(folder, replace(record, settings=SETTINGS)) == ()
