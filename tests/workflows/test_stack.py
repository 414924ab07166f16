from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Signal
from threading import Timer
from typing import Any

import pytest
from helpers.jobs_here import replace_local_engine
from helpers.listed_members import SPEED
from helpers.members_made import make_member, record_of, small_competition
from helpers.photos import Heard

from ensembler.engines.job import Job
from ensembler.errors import BadChoice, Interrupted, Mismatch
from ensembler.members.records import MemberRecord, load_fold_record
from ensembler.paths import Workspace
from ensembler.progress import Progress
from ensembler.serialization import read_json, write_record
from ensembler.stacking.records import load_blend
from ensembler.versions import read_versions
from ensembler.workflows.stack import stack


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the one-file model, which members made up here cannot give."""
    replace_local_engine(monkeypatch, lambda *_: [{"difference": 0.0}])


@pytest.mark.usefixtures("no_network")
def test_a_stack_tells_what_is_needed_to_build_it_again(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    for name in ("a", "b"):
        make_member(folder, tables, name)
    stack(["a", "b"], name="both", seed=4, workspace=Workspace(tmp_path / "data", tmp_path / "submissions"))
    record = record_of(folder, tables)
    summary = read_json(folder.stack("both") / "stack.json")
    assert (summary["folds"], summary["samples"]) == (record.folds, record.samples)
    assert (summary["seed"], summary["asked"], summary["top"], summary["infer_limit"]) == (4, "dense", None, None)
    assert summary["versions"] == read_versions()
    assert load_fold_record(folder, "a", 0).versions == read_versions()


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Three members, of which the third has other predictions than the second."""
    folder, tables = small_competition(tmp_path)
    for name in ("a", "b", "c"):
        make_member(folder, tables, name)
    return Workspace(tmp_path / "data", tmp_path / "submissions")


def test_an_interruption_ends_the_comparison_too(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = Signal(), Signal()

    def compare(*arguments: Any) -> None:
        progress: Progress = arguments[-1]
        begun.set()
        # As long as it is not asked to stop.
        while not progress.stopping and not ended.wait(0.01):
            pass
        progress.raise_if_stopping("in the comparison")

    def interrupt(*_: Any) -> list[Any]:
        assert begun.wait(10)
        raise Interrupted("in the job")

    monkeypatch.setattr("ensembler.workflows.stack.evaluate_stack", compare)
    replace_local_engine(monkeypatch, interrupt)
    killer = Timer(20, ended.set)
    killer.start()
    with pytest.raises(Interrupted, match="in the job"):
        stack(["a", "b"], name="both", workspace=place)
    assert not ended.is_set()
    killer.cancel()


def test_members_of_other_folds_alone_are_not_called_untrained(place: Workspace) -> None:
    folder = place.competition("made")
    folder.folds.write_text(folder.folds.read_text() + "\n")
    heard = Heard()
    with pytest.raises(BadChoice, match=r"No member of made can be stacked, .* see `ensembler\.list_members\(\)`"):
        stack(workspace=place, progress=heard)
    assert len([line for line in heard.warnings if "is left out" in line]) == 3


def test_refit_without_networks_of_all_photos_is_refused_before_the_fit(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensembler.workflows.stack.fit_stack", lambda *_: pytest.fail("it was fitted"))
    said = r"a has no network .*: repeat its call of `ensembler\.train_members\(\)` with refit=True"
    with pytest.raises(Mismatch, match=said):
        stack(["a", "b"], refit=True, workspace=place)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("meta", ["dense", "logistic", "logistic-nonneg", "greedy", "mean", "logit-mean", "auto"])
@pytest.mark.slow
def test_each_meta_learner_can_be_asked_for(place: Workspace, meta: str) -> None:
    result = stack(["a", "b"], name="s", meta=meta, workspace=place)
    summary = read_json(place.competition("made").stack("s") / "stack.json")
    assert summary["asked"] == meta
    assert (summary["meta"] == meta) == (meta != "auto")
    assert load_blend(place.competition("made"), "s").temperature == result.temperature
    assert set(summary["meta_learners"]) >= {"dense", "mean"}
    assert result.evaluation.interval.low < result.score < result.evaluation.interval.high


@pytest.mark.usefixtures("no_network")
def test_what_each_member_gives_is_told(place: Workspace) -> None:
    result = stack(["a", "b", "c"], workspace=place)
    assert result.best in ("a", "b", "c")
    assert len(result.evaluation.losses_without) == 3
    assert result.evaluation.correlations.shape == (3, 3)


@pytest.mark.usefixtures("no_network")
def test_the_best_few_are_stacked_and_the_others_named(place: Workspace) -> None:
    result = stack(top=2, workspace=place)
    assert len(result.members) == 2
    assert len(result.left_out) == 1
    assert result.name == "_".join(member.name for member in result.members)
    with pytest.raises(BadChoice, match="from 1 to 3"):
        stack(top=4, workspace=place)


def measured(place: Workspace, **milliseconds: float) -> None:
    folder = place.competition("made")
    for name, each in milliseconds.items():
        record = MemberRecord.load(folder, name)
        write_record(folder.speed(name), replace(SPEED, member=record.fingerprint, milliseconds_per_photo=each))


@pytest.mark.usefixtures("no_network")
def test_members_keep_within_the_time_for_a_photo(place: Workspace) -> None:
    measured(place, a=5.0, b=6.0, c=30.0)
    result = stack(infer_limit="12ms", workspace=place)
    assert {member.name for member in result.members} <= {"a", "b"}
    with pytest.raises(BadChoice, match="the fastest takes 5 ms"):
        stack(infer_limit="2ms", workspace=place)
    with pytest.raises(BadChoice, match=r"No 2 members .* take 11 ms"):
        stack(infer_limit="10ms", top=2, workspace=place)
    with pytest.raises(BadChoice, match="length of time"):
        stack(infer_limit="fast", workspace=place)


@pytest.mark.usefixtures("no_network")
def test_speeds_that_are_not_known_are_measured_for_it(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(place, a=5.0)
    names = []

    def run(jobs: Sequence[Job], *_: object) -> list[dict[str, float]]:
        if measures := [job.spec["member"] for job in jobs if job.name.endswith("-speed")]:
            names.extend(measures)
            measured(place, b=6.0, c=30.0)
        return [{"difference": 0.0} for _ in jobs]

    replace_local_engine(monkeypatch, run)
    result = stack(infer_limit="12ms", workspace=place)
    assert names == ["b", "c"]
    assert {member.name for member in result.members} <= {"a", "b"}


@pytest.mark.usefixtures("no_network")
def test_one_member_is_calibrated_alone(place: Workspace) -> None:
    heard = Heard()
    result = stack(["a"], workspace=place, progress=heard)
    assert result.evaluation.losses_without == ()
    assert any("only member" in note for note in heard.notes)


@pytest.mark.parametrize("name", ["a/b", "", ".."])
def test_a_name_that_is_no_folder_is_refused_before_any_work(name: str, place: Workspace) -> None:
    with pytest.raises(BadChoice, match="is not a valid name of a stack"):
        stack("nobody", name=name, workspace=place)


def test_unknown_meta_learners_are_refused(place: Workspace) -> None:
    with pytest.raises(BadChoice, match="did you mean greedy"):
        stack(meta="gredy", workspace=place)
