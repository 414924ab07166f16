from __future__ import annotations

from pathlib import Path

import pytest
from members_made import make_member, record_of, small_competition

from ensembler.storage import Workspace, read_json
from ensembler.workflows.stacks import stack


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the one-file model, which members made up here cannot give."""
    monkeypatch.setattr("ensembler.workflows.stacks.run_jobs", lambda *_: [{"difference": 0.0}])


@pytest.mark.usefixtures("no_network")
def test_a_stack_tells_the_folds_and_photos_that_it_was_built_on(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    for name in ("a", "b"):
        make_member(folder, tables, name)
    stack(["a", "b"], name="both", workspace=Workspace(tmp_path / "data", tmp_path / "submissions"))
    record = record_of(folder, tables)
    told = read_json(folder.stack("both") / "stack.json")
    assert (told["folds"], told["samples"]) == (record.folds, record.samples)
