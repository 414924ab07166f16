from __future__ import annotations

import json

import pytest

from ensembler.events import EpochEnded, Event, FoldEnded, JobsPlanned, PlannedJob, WorkAhead, read_event

EPOCH = EpochEnded("b0", 2, "all", 1, 1, 3, 5, 3, 0.5, 0.25, None, 1e-4, 118.5, 12.5, 2**30, None)


@pytest.mark.parametrize("event", [EPOCH, FoldEnded("b0", 1, None, 0.5, 2.0), WorkAhead(3.5, job="b0")])
def test_an_event_goes_through_json(event: Event) -> None:
    assert read_event(json.loads(json.dumps(event.to_json()))) == event


def test_every_kind_has_its_own_name_and_docstring() -> None:
    assert {kind.derive_name() for kind in Event.kinds.values()} == set(Event.kinds)
    assert EPOCH.to_json()["event"] == "epoch_ended"
    assert all(kind.__doc__ and not kind.__doc__.startswith(kind.__name__) for kind in Event.kinds.values())


def test_planned_jobs_are_written_one_by_one() -> None:
    written = JobsPlanned((PlannedJob("b0-fold-1", "b0", (1,), 2.0),), 1).to_json()
    assert json.loads(json.dumps(written))["jobs"] == [{"job": "b0-fold-1", "member": "b0", "folds": [1], "work": 2.0}]
