"""Runs in a real local store of MLflow, made of events written by hand and of a small training."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.members_made import small_competition
from helpers.photos import Heard

from ensembler.errors import BadChoice
from ensembler.events import (
    EpochEnded,
    Event,
    FeaturesMade,
    FoldBegan,
    FoldEnded,
    JobEnded,
    MemberPlanned,
    MemberScored,
    StackPlanned,
    StackScored,
    Warned,
)
from ensembler.options.reading import RUN, read_options
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import SILENT
from ensembler.storage import write_text
from ensembler.tracking.runs import Runs
from ensembler.tracking.store import describe_failure, open_store
from ensembler.tracking.tracker import Tracker, check_tracking, open_tracking, prepare_attachment
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# MLflow uses what SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
SETTINGS = {"backbone": "b0", "seed": 7, "phases": [{"unfreeze": "all", "epochs": 2}], "weights": "none"}
HASHES = {"samples": "s1", "folds": "f1"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a database as MLflow makes it where nothing is set: creating it takes seconds."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("mlflow"))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        patch.delenv(name, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        open_store("first")
    from mlflow.tracking import MlflowClient

    yield MlflowClient()
    patch.undo()


@pytest.fixture
def experiment(client: Any, request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


class Run:
    """What MLflow stores of a run."""

    def __init__(self, client: Any, run: Any) -> None:
        self.id, self.status, self.name = run.info.run_id, run.info.status, run.info.run_name
        self.params, self.tags, self.metrics = run.data.params, run.data.tags, run.data.metrics
        self.parent = self.tags.get("mlflow.parentRunId", "")
        self._client = client

    def curve(self, metric: str) -> list[tuple[int, float]]:
        return [(one.step, one.value) for one in self._client.get_metric_history(self.id, metric)]

    def artifacts(self) -> list[str]:
        return [one.path for one in self._client.list_artifacts(self.id)]


def runs_of(client: Any, experiment: str) -> dict[str, Run]:
    found = client.get_experiment_by_name(experiment)
    runs = [Run(client, run) for run in client.search_runs([found.experiment_id])]
    assert len({run.name for run in runs}) == len(runs)
    return {run.name: run for run in runs}


def planned(unfinished: tuple[int, ...] = (0, 1), fingerprint: str = "p1", member: str = "b0") -> MemberPlanned:
    return MemberPlanned(member, "pets", fingerprint, SETTINGS, HASHES, unfinished)


def epoch(fold: int, number: int, held_out: float | None = 0.25) -> EpochEnded:
    return EpochEnded(
        "b0", fold, "all", 1, 1, number, 2, number, 0.5 / number, held_out, None, 1e-4, 118.5, 2.5, 1, None
    )


FOLD_0 = [FoldBegan("b0", 0, job="j0"), epoch(0, 1), epoch(0, 2), FoldEnded("b0", 0, 2, 0.25, 9.0, job="j0")]
FOLD_1 = [FoldBegan("b0", 1, job="j1"), epoch(1, 1), epoch(1, 2), FoldEnded("b0", 1, 2, 0.5, 9.0, job="j1")]
SCORED = MemberScored("b0", "log loss", {"score": 0.375, "log_loss": 0.375, "accuracy": float("nan")})


def folder_of(experiment: str) -> CompetitionFolder:
    return Workspace(Path("data"), Path("submissions")).competition(experiment)


def track(experiment: str, events: list[Event], error: BaseException | None = None) -> Heard:
    heard = Heard()

    def run() -> None:
        with open_tracking("mlflow", folder_of(experiment), heard) as progress:
            for event in events:
                progress.emit(event)
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            run()
    else:
        run()
    assert [event for event in heard.events if isinstance(event, type(events[0]))], "others hear the events too"
    return heard


def test_a_training_becomes_nested_runs(client: Any, experiment: str) -> None:
    write_text(folder_of(experiment).report, "<html>")
    made = FeaturesMade("b0", 100, 1, 4.0)
    heard = track(experiment, [planned(), made, *FOLD_0, *FOLD_1, SCORED])
    assert not heard.of_kind(Warned)
    runs = runs_of(client, experiment)
    assert set(runs) == {"b0", "b0, fold 0", "b0, fold 1"}
    member, fold = runs["b0"], runs["b0, fold 0"]
    assert {run.status for run in runs.values()} == {"FINISHED"}
    assert fold.parent == member.id
    assert (member.parent, member.artifacts()) == ("", ["report.html"])
    assert member.params["backbone"] == "b0"
    assert member.params["phases.1.epochs"] == "2"
    expected = {"seed": "7", "hash.samples": "s1", "hash.folds": "f1", "competition": "pets", "metric": "log loss"}
    assert expected.items() <= member.tags.items()
    assert member.tags["version.ensembler"]
    assert member.metrics["score"] == 0.375
    assert member.metrics["features_photos_a_second"] == 25
    assert "accuracy" not in member.metrics
    assert member.curve("fold_log_loss") == [(0, 0.25), (1, 0.5)]
    assert fold.curve("training_loss") == [(1, 0.5), (2, 0.25)]
    assert fold.curve("held_out_log_loss") == [(1, 0.25), (2, 0.25)]
    assert fold.curve("learning_rate") == [(1, 1e-4), (2, 1e-4)]
    assert fold.curve("photos_a_second") == [(1, 118.5), (2, 118.5)]
    assert "validation_log_loss" not in fold.metrics
    assert (fold.metrics["log_loss"], fold.metrics["seconds"]) == (0.25, 9.0)


def test_a_resumed_training_continues_its_runs(client: Any, experiment: str) -> None:
    track(experiment, [planned(), *FOLD_0, *FOLD_1[:2]], KeyboardInterrupt())
    runs = runs_of(client, experiment)
    assert {name: run.status for name, run in runs.items()} == {
        "b0": "KILLED",
        "b0, fold 0": "FINISHED",
        "b0, fold 1": "KILLED",
    }
    track(experiment, [planned((1,)), FOLD_1[0], *FOLD_1[2:], SCORED])
    resumed = runs_of(client, experiment)
    assert {name: run.id for name, run in resumed.items()} == {name: run.id for name, run in runs.items()}
    assert {run.status for run in resumed.values()} == {"FINISHED"}
    assert resumed["b0, fold 1"].curve("training_loss") == [(1, 0.5), (2, 0.25)]
    # A repeated call finds everything finished, and adds nothing.
    track(experiment, [planned(()), SCORED])
    again = runs_of(client, experiment)["b0"]
    assert again.id == runs["b0"].id
    assert again.status == "FINISHED"
    assert len(again.curve("score")) == 1


def test_a_restarted_training_is_a_new_run_that_later_calls_continue(client: Any, experiment: str) -> None:
    track(experiment, [planned(), *FOLD_0, *FOLD_1])
    restarted = replace(planned(), restart=True)
    track(experiment, [restarted, *FOLD_0, *FOLD_1[:2]], KeyboardInterrupt())
    track(experiment, [planned((1,)), FOLD_1[0], *FOLD_1[2:]])
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    folds = [Run(client, run) for run in found if run.info.run_name == "b0, fold 1"]
    assert len(found) == 6
    assert [run.curve("training_loss") for run in folds] == [[(1, 0.5), (2, 0.25)]] * 2


def test_other_settings_are_another_run(client: Any, experiment: str) -> None:
    track(experiment, [planned(()), SCORED])
    track(experiment, [MemberPlanned("b0@2", "pets", "p2", SETTINGS, HASHES, ())])
    assert set(runs_of(client, experiment)) == {"b0", "b0@2"}


def test_a_failed_job_fails_its_folds_and_their_member_alone(client: Any, experiment: str) -> None:
    failed = [*FOLD_0, *FOLD_1[:2], JobEnded(3.0, "out of memory", job="j1")]
    track(experiment, [planned(), planned((), "p2", "b2"), *failed], BadChoice("a job failed"))
    assert {name: run.status for name, run in runs_of(client, experiment).items()} == {
        "b0": "FAILED",
        "b0, fold 0": "FINISHED",
        "b0, fold 1": "FAILED",
        "b2": "FINISHED",
    }


def test_a_stack_has_its_members_and_what_was_chosen(client: Any, experiment: str) -> None:
    plan = StackPlanned("b0_b2", "pets", "k1", {"meta": "auto", "seed": 0}, {"b0": "p1", "b2": "p2"}, HASHES)
    track(experiment, [plan], KeyboardInterrupt())
    assert runs_of(client, experiment)["b0_b2"].status == "KILLED"
    track(experiment, [plan, StackScored("b0", "log loss", {"meta": "mean"}, {"score": 0.3, "interval_low": 0.2})])
    [run] = runs_of(client, experiment).values()
    assert (run.name, run.status) == ("b0", "FINISHED")
    assert run.params == {"meta": "auto", "seed": "0", "members": "b0, b2"}
    assert run.tags["member.b2"] == "p2"
    assert run.tags["chosen.meta"] == "mean"
    assert run.metrics == {"score": 0.3, "interval_low": 0.2}


def test_a_report_is_stored_with_the_newest_stack(client: Any, experiment: str, tmp_path: Path) -> None:
    page, heard = tmp_path / "page.html", Heard()
    page.write_text("<html>", "utf-8")
    attach = prepare_attachment("mlflow", folder_of(experiment), heard)
    attach(page)
    assert "was not stored in MLflow, because no stack or member is tracked" in heard.of_kind(Warned)[0].text
    track(experiment, [planned(())])
    attach(page)
    track(experiment, [StackPlanned("s", "pets", "k1", {}, {"b0": "p1"}, HASHES)])
    page.rename(tmp_path / "other.html")
    attach(tmp_path / "other.html")
    runs = runs_of(client, experiment)
    assert (runs["b0"].artifacts(), runs["s"].artifacts()) == (["page.html"], ["other.html"])
    attach(tmp_path / "absent.html")
    assert [warned.text.split(":")[0] for warned in heard.of_kind(Warned)[1:]] == [
        f"{tmp_path / 'absent.html'} was not stored in MLflow"
    ]
    prepare_attachment(None, folder_of(experiment), heard)(page)


def test_secrets_stay_out(client: Any, experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "0123456789abcdef")
    settings = {"weights": "/home/me/0123456789abcdef", "address": "https://me:word@host/file?signature=1"}
    track(experiment, [MemberPlanned("b0", "pets", "p1", settings, {}, ())])
    params = runs_of(client, experiment)["b0"].params
    assert params == {"weights": "/home/me/***", "address": "https://host/file"}


def test_environment_variables_choose_the_experiment(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    track("theirs", [planned(())])
    assert set(runs_of(client, "mine")) == {"b0"}
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", client.create_experiment("by number"))
    track("theirs", [planned(())])
    assert set(runs_of(client, "by number")) == {"b0"}
    assert client.get_experiment_by_name("theirs") is None


def test_a_store_that_goes_away_is_one_warning(client: Any, experiment: str) -> None:
    class Gone(Runs):
        def handle(self, event: Event, milliseconds: int) -> None:
            raise ConnectionError("Max retries exceeded\nwith url")

    heard = Heard()
    with Tracker(Gone(open_store(experiment), Path("none")), heard) as tracker:
        for event in (planned(), *FOLD_0, SCORED):
            tracker.emit(event)
    assert heard.of_kind(Warned) == [
        Warned("MLflow's store failed, so the rest of this call is not tracked: Max retries exceeded")
    ]


def test_work_does_not_wait_for_a_slow_store() -> None:
    free = threading.Event()

    class Slow:
        def handle(self, *_: object) -> None:
            free.wait(20)

        finish = handle

    heard = Heard()
    began = time.monotonic()
    with Tracker(Slow(), heard, patience=1.1) as tracker:  # type: ignore[arg-type]
        for event in FOLD_0:
            tracker.emit(event)
    assert time.monotonic() - began < 5
    free.set()
    assert heard.labels == ["write MLflow's runs"]
    assert heard.of_kind(Warned) == [Warned("MLflow's store did not answer for 1.1 seconds: its runs are incomplete.")]


def test_a_store_that_cannot_be_opened_is_an_error_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://host")
    with pytest.raises(BadChoice, match=r"^MLflow's store cannot be opened, so nothing was begun \(.*\): check MLFLOW"):
        track("any", [planned()])


_REQUEST = (
    "API request to http://me:word@host:50/api/get failed with exception HTTPConnectionPool(host='host', port=50)"
)


@pytest.mark.parametrize(
    ("told", "short"),
    [
        (
            f"{_REQUEST}: Max retries exceeded with url: /api/get?name=a (Caused by NewConnectionError("
            "\"HTTPConnection(host='host', port=50): Failed to establish a new connection: [Errno 111] Refused\"))",
            "API request to http://host:50/api/get failed: Failed to establish a new connection: [Errno 111] Refused",
        ),
        (
            f"{_REQUEST}: Max retries exceeded (Caused by ResponseError('too many 500 error responses'))",
            "API request to http://host:50/api/get failed: too many 500 error responses",
        ),
        ("file is not a database\n(Background on this error)", "file is not a database"),
        ("", "OSError"),
    ],
)
def test_failures_are_a_line_without_passwords(told: str, short: str) -> None:
    assert describe_failure(OSError(told)) == short


def test_a_deleted_experiment_is_an_error_before_any_work(client: Any, experiment: str) -> None:
    client.delete_experiment(client.create_experiment(experiment))
    with pytest.raises(BadChoice, match=rf"nothing was begun \(its experiment {experiment} is deleted\)"):
        track(experiment, [planned()])


def test_one_process_at_a_time_opens_a_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inside, most = [], []

    def open_slowly(experiment: str) -> None:
        inside.append(experiment)
        most.append(len(inside))
        time.sleep(0.1)
        inside.remove(experiment)
        raise BadChoice("as an end of the test")

    monkeypatch.setattr("ensembler.tracking.tracker.open_store", open_slowly)

    def attach(name: str) -> None:
        with pytest.raises(BadChoice):
            prepare_attachment("mlflow", Workspace(tmp_path, tmp_path).competition(name), SILENT)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(attach, ["one", "two"]))
    assert most == [1, 1]


def test_mlflow_does_not_report_the_steps_of_creating_a_database(client: Any) -> None:
    assert client
    assert logging.getLogger("mlflow").getEffectiveLevel() == logging.WARNING


@pytest.mark.parametrize("absent", ["mlflow", "sqlalchemy", "alembic"])
def test_an_absent_package_is_named_with_its_remedy(absent: str) -> None:
    find: Callable[[str], object | None] = lambda name: None if name == absent else name  # noqa: E731
    with pytest.raises(BadChoice, match=r"needs packages that are not installed.*pip install 'ensembler\[mlflow\]'"):
        check_tracking("mlflow", find)
    check_tracking(None, find)


def test_other_trackers_are_refused() -> None:
    with pytest.raises(BadChoice, match=r"^track takes mlflow\. Received: wandb$"):
        read_options({"track": "wandb"}, known=RUN)
    assert read_options({"track": "mlflow"}, known=RUN) == {"track": "mlflow"}


def test_without_the_option_progress_is_what_it_was() -> None:
    with open_tracking(None, folder_of("any"), SILENT) as progress:
        assert progress is SILENT


@pytest.mark.slow
def test_a_real_training_and_its_stack_are_tracked(client: Any, tmp_path: Path) -> None:
    folder, _ = small_competition(tmp_path)
    given: dict[str, Any] = {"competition": "made", "workspace": folder.workspace, "track": "mlflow"}
    trained = train_members("demo-conv", weights="none", unfreeze="all", epochs=2, image_size=8, **given)
    stacked = stack(name="only", meta="mean", **given)
    runs = runs_of(client, "made")
    assert {name: run.status for name, run in runs.items()} == dict.fromkeys(
        ["demo-conv", *(f"demo-conv, fold {number}" for number in (0, 1, 2)), "only"], "FINISHED"
    )
    assert runs["demo-conv"].metrics["log_loss"] == pytest.approx(trained[0].log_loss)
    assert [step for step, _ in runs["demo-conv, fold 1"].curve("held_out_log_loss")] == [1, 2]
    assert runs["only"].metrics["score"] == pytest.approx(stacked.score)
    assert runs["only"].tags["member.demo-conv"] == runs["demo-conv"].tags["ensembler.fingerprint"]
