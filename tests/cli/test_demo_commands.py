"""Commands on the files that the demo left: real processes, and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Demo
from helpers.command_line import ensembler

# Real processes train and stack real members.
pytestmark = pytest.mark.slow


def test_folds_are_shown_and_others_need_a_yes(demo: Demo, tmp_path: Path) -> None:
    folders = ["--data", str(demo.workspace.data), "--submissions", str(demo.workspace.submissions)]
    shown = ensembler(*folders, "folds", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert len([line for line in shown.stdout.splitlines() if line.startswith("fold-")]) == 5
    shown = json.loads(ensembler(*folders, "folds", "--json", folder=tmp_path).stdout)
    assert (shown["folds"], shown["repeats"], len(shown["splits"])) == (5, 1, 5)
    refused = ensembler(*folders, "folds", "--folds", "3", folder=tmp_path)
    assert refused.returncode == 2
    assert "3 members (demo-conv, demo-dense, demo-separable)" in refused.stderr
    assert "--force" in refused.stderr
    assert json.loads(ensembler(*folders, "folds", "--json", folder=tmp_path).stdout) == shown


def test_stack_prints_json_of_the_shape_that_was_promised(demo: Demo, tmp_path: Path) -> None:
    folders = ["--data", str(demo.workspace.data), "--submissions", str(demo.workspace.submissions)]
    ended = ensembler(*folders, "stack", "--members", "demo-dense,demo-conv", "--json", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout)
    scores = {"metric", "score", "standard_error", "log_loss", "log_loss_error", "accuracy"}
    repeat = {"seed", "top", "infer_limit", "corrections", "corrected"}
    details = {"name", "meta", "asked", "refit", "interval", "best", "gain", "temperature", "clip", "reliability"}
    beside = {
        "mean",
        "meta_learners",
        "meta_learners_photos",
        "members",
        "left_out",
        "submission",
        "model",
        "difference",
    }
    assert set(printed) == {*scores, *repeat, *details, *beside}
    assert printed["score"] == printed["log_loss"]
    of_member = {"name", *scores, "corrected", "corrections", "loss_without", "error_correlations"}
    assert all(set(member) == of_member for member in printed["members"])
    assert [member["name"] for member in printed["members"]] == ["demo-dense", "demo-conv"]
    assert Path(printed["submission"]).is_file()
    assert Path(printed["model"]).is_file()
    scored = ensembler(*folders, "score", printed["submission"], "--json", folder=tmp_path)
    assert json.loads(scored.stdout)["log_loss"] < 0.3


def test_a_finished_member_is_shown_without_training(demo: Demo, tmp_path: Path) -> None:
    folders = ["--data", str(demo.workspace.data), "--submissions", str(demo.workspace.submissions)]
    options = ["--weights", "none", "--epochs", "10", "--batch-size", "64"]
    ended = ensembler(*folders, "train-members", "--members", "demo-conv", *options, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "demo-conv" in ended.stdout
    assert "fine-tune" not in ended.stderr
