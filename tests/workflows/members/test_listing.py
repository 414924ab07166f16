from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.listed_members import SPEED
from helpers.members_made import FOLDS, SETTINGS, make_member, record_of, small_competition
from helpers.photos import Heard

from ensembler.competition.metrics.scoring import compute_out_of_fold_scores
from ensembler.competition.tables import Tables
from ensembler.errors import BadChoice
from ensembler.inference.speeds import NetworkSpeed
from ensembler.locks import hold_lock
from ensembler.members.records import MemberRecord
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json, write_json, write_record
from ensembler.storage import write_bytes, write_text
from ensembler.workflows.members.listed_member import ListedMember
from ensembler.workflows.members.listing import list_members

Made = tuple[CompetitionFolder, Tables, Workspace]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    folder, tables = small_competition(tmp_path)
    return folder, tables, Workspace(tmp_path / "data", tmp_path / "submissions")


def only(made: Made) -> ListedMember:
    (member,) = list_members(workspace=made[2])
    return member


def speed_of(record: MemberRecord, host: str) -> NetworkSpeed:
    return replace(SPEED, member=record.fingerprint, host=host)


def test_without_members_the_list_is_empty(made: Made) -> None:
    assert list_members(workspace=made[2]) == []


def test_a_finished_member(made: Made) -> None:
    folder, tables, _ = made
    every = make_member(folder, tables, "a")
    member = only(made)
    figures = compute_out_of_fold_scores(tables, every, np.ones(len(every), bool))
    assert (member.name, member.folder, member.is_finished) == ("a", folder.member("a"), True)
    assert (member.folds_done, member.folds, member.fold_log_losses) == (FOLDS, FOLDS, (0.5,) * FOLDS)
    assert (member.log_loss, member.log_loss_spread) == (pytest.approx(figures.log_loss), 0.0)
    assert (member.accuracy, member.metric) == (figures.accuracy, "log loss")
    assert member.seconds == FOLDS
    assert (member.speed, member.seconds_per_epoch, member.running, member.stale) == (None, None, "", "")
    assert json.loads(json.dumps(member.to_json()))["finished"] is True


def test_all_files_of_a_member_count(made: Made) -> None:
    make_member(*made[:2], "a")
    before = only(made).bytes_on_disk
    assert before == sum(path.stat().st_size for path in made[0].member("a").rglob("*") if path.is_file())
    write_bytes(made[0].member("a") / "fold-1" / "model.keras", b"7" * 1000)
    assert only(made).bytes_on_disk == before + 1000


def test_an_unfinished_member_shows_what_it_has(made: Made) -> None:
    folder = made[0]
    make_member(*made[:2], "a")
    (folder.fold("a", 1) / "fold.json").unlink()
    for fold, loss, held_out in ((0, 0.25, 30), (2, 0.5, 10)):
        path = folder.fold("a", fold) / "fold.json"
        write_json(path, {**read_json(path), "log_loss": loss, "held_out": held_out})
    member = only(made)
    assert (member.is_finished, member.folds_done, member.folds) == (False, 2, FOLDS)
    assert member.log_loss == pytest.approx((0.25 * 30 + 0.5 * 10) / 40)
    assert member.log_loss_spread == pytest.approx(0.25 / 2**0.5)
    assert (member.accuracy, member.score) == (None, None)


def test_a_member_of_which_no_fold_is_done_is_listed_while_it_is_trained(made: Made) -> None:
    record_of(*made[:2], "a").save(made[0])
    assert list(list_members(workspace=made[2])) == []
    with hold_lock(made[0].member_lock("a"), "a"):
        member = only(made)
    assert (member.folds_done, member.log_loss, member.log_loss_spread, member.seconds) == (0, None, None, 0)


def test_seconds_of_all_epochs_are_averaged(made: Made) -> None:
    make_member(*made[:2], "a")
    for fold, seconds in enumerate(((1.0, 3.0), (5.0,))):
        rows = "".join(f"{epoch},{value}\n" for epoch, value in enumerate(seconds))
        write_text(made[0].fold("a", fold) / "history.csv", f"epoch,seconds\n{rows}")
    assert only(made).seconds_per_epoch == pytest.approx(3.0)


def test_settings_are_told_where_members_differ(made: Made) -> None:
    folder, tables, workspace = made
    make_member(folder, tables, "demo-conv")
    settings = dataclasses.replace(SETTINGS, hidden=7)
    make_member(folder, tables, "demo-conv@hidden")
    dataclasses.replace(record_of(folder, tables, "demo-conv@hidden"), settings=settings).save(folder)
    assert [member.settings for member in list_members(workspace=workspace)] == [{"hidden": "0"}, {"hidden": "7"}]


def test_figures_are_kept_and_follow_the_metric(made: Made) -> None:
    folder = made[0]
    make_member(*made[:2], "a")
    only(made)
    path = folder.member("a") / "figures.json"
    write_json(path, {**read_json(path), "accuracy": 0.125})
    assert only(made).accuracy == 0.125
    write_text(folder.manifest, folder.manifest.read_text().replace('metric = "log loss"', 'metric = "accuracy"'))
    member = only(made)
    assert (member.metric, member.score) == ("accuracy", member.accuracy)
    assert member.accuracy != 0.125


@pytest.mark.parametrize(
    ("changed", "what"), [("folds", "folds"), ("samples", "photos or labels"), ("classes", "classes")]
)
def test_what_was_trained_with_other_things_is_of_no_use(made: Made, changed: str, what: str) -> None:
    make_member(*made[:2], "a")
    path = made[0].member("a") / "member.json"
    write_json(path, {**read_json(path), changed: ["x", "y", "z"] if changed == "classes" else "other"})
    member = only(made)
    assert (member.stale, member.is_finished) == (what, False)


def test_who_trains_a_member_is_told(made: Made) -> None:
    make_member(*made[:2], "a")
    with hold_lock(made[0].member_lock("a"), "it"):
        assert only(made).running.startswith("process ")
    assert only(made).running == ""


def test_a_damaged_member_keeps_nobody_from_the_others(made: Made) -> None:
    folder, tables, workspace = made
    make_member(folder, tables, "a")
    make_member(folder, tables, "b")
    make_member(folder, tables, "c")
    write_text(folder.member("c") / "member.json", "{}")
    write_bytes(folder.fold("b", 0) / "predictions.npz", b"damaged")
    warned = Heard()
    found = list_members(workspace=workspace, progress=warned)
    assert [(member.name, member.accuracy is None) for member in found] == [("a", False), ("b", True)]
    assert [text.removeprefix("In ").split()[0].rstrip(",") for text in warned.warnings] == [
        str(folder.member("c") / "member.json"),
        str(folder.fold("b", 0) / "predictions.npz"),
    ]


def test_only_what_was_not_measured_here_is_measured(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, tables, workspace = made
    for name in ("here", "elsewhere", "never", "trained"):
        make_member(folder, tables, name)
    record_of(folder, tables, "untrained").save(folder)
    for name, host in (("here", socket.gethostname()), ("elsewhere", "elsewhere")):
        write_record(folder.speed(name), speed_of(MemberRecord.load(folder, name), host))
    # Its training showed the speed in batches alone.
    in_batches = replace(speed_of(MemberRecord.load(folder, "trained"), socket.gethostname()), single=0)
    write_record(folder.speed("trained"), in_batches)
    asked = []
    replace_local_engine(monkeypatch, lambda jobs, *_: asked.extend(jobs))
    list_members(workspace=workspace)
    assert asked == []
    list_members(workspace=workspace, measure=True)
    assert [(job.name, job.spec["member"]) for job in asked] == [
        ("elsewhere-speed", "elsewhere"),
        ("never-speed", "never"),
        ("trained-speed", "trained"),
    ]


def test_an_unknown_competition_is_refused(made: Made) -> None:
    with pytest.raises(BadChoice, match="did you mean made"):
        list_members("mad", workspace=made[2])


def test_a_list_of_what_was_listed_before_loads_nothing_heavy(made: Made) -> None:
    make_member(*made[:2], "a")
    only(made)
    code = (
        "import sys; from pathlib import Path; from ensembler import Workspace, list_members, status\n"
        "place = Workspace(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "assert list_members(workspace=place)[0].accuracy\n"
        "assert status(workspace=place).competition\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    words = [sys.executable, "-c", code, str(made[2].data), str(made[2].submissions)]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"pandas", "scipy", "sklearn", "tensorflow", "keras", "kaggle", "requests", "rich", "PIL"}
