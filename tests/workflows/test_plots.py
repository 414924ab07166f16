from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.listed_members import MEMBER
from helpers.members_made import FOLDS, SETTINGS, make_member, small_competition
from helpers.photos import Heard
from helpers.results_made import make_stack_result
from helpers.survey_made import SURVEY
from PIL import Image

from ensembler.errors import BadChoice
from ensembler.events import Noted, Warned
from ensembler.members.records import MemberRecord
from ensembler.paths import Workspace
from ensembler.workflows.members.listing import list_members
from ensembler.workflows.members.plot import save_members_plot
from ensembler.workflows.plots import read_plot_path, save_stack_plot
from ensembler.workflows.stack import stack
from ensembler.workflows.survey.plot import save_survey_plot
from ensembler.workflows.survey.survey import survey


def read_texts(path: Path) -> str:
    return path.read_text("utf-8")


def test_a_stack_is_drawn(tmp_path: Path) -> None:
    path, heard = tmp_path / "stack.svg", Heard()
    save_stack_plot(make_stack_result(), path, heard)
    assert path.stat().st_size > 5000
    assert heard.of_kind(Noted) == [Noted(f"The charts are in {path}.")]
    assert heard.labels == ["draw charts"]
    text = read_texts(path)
    for words in ("Stack s", "stack (dense)", "mean of the members", "What each member adds", "+0.0200", "0.60"):
        assert words in text


def test_the_score_of_a_stack_without_its_metric_is_log_loss(tmp_path: Path) -> None:
    undefined = {"metric": "ROC AUC", "score": float("nan"), "standard_error": float("nan")}
    save_stack_plot(make_stack_result(names=("b0",), **undefined), tmp_path / "a.svg", Heard())
    text = read_texts(tmp_path / "a.svg")
    assert "log loss (smaller is better)" in text
    assert "A single member has no correlations." in text


def test_members_are_drawn_with_what_is_known_of_them(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    for name in ("a", "b@x"):
        make_member(folder, tables, name)
    path = tmp_path / "plots" / "members.svg"
    assert len(list_members("made", plot=path, workspace=folder.workspace)) == 2
    text = read_texts(path)
    assert "made: members" in text
    assert "b@x" in text
    assert "No member was fine-tuned" in text
    history = "phase,epoch,training_loss,val_log_loss,held_out_log_loss,seconds,share\nall,1,0.9,,0.8,2,1\n"
    for fold in range(FOLDS):
        (folder.fold("a", fold) / "history.csv").write_text(history, "utf-8")
    list_members("made", plot=path, workspace=folder.workspace)
    assert "seconds per epoch" in read_texts(path)


@pytest.mark.parametrize(
    ("metrics", "label", "title"),
    [
        (["roc auc", "roc auc"], "roc auc, out of fold (larger is better)", "Scores with 95 % intervals"),
        # An unfinished member has no score, and the error of another metric is not that of log loss.
        (["roc auc", None], "log loss, out of fold (smaller is better)", "Scores"),
    ],
)
def test_members_are_compared_by_the_metric_if_all_have_it(
    tmp_path: Path, metrics: list[str | None], label: str, title: str
) -> None:
    folder, members = Workspace(tmp_path, tmp_path).competition("made"), []
    for number, metric in enumerate(metrics):
        score, error = (0.9, 0.01) if metric else (None, None)
        seconds = None if number else 2.0
        known = {"metric": metric, "score": score, "standard_error": error, "seconds_per_epoch": seconds}
        members.append(replace(MEMBER, name=f"m{number}", **known))  # type: ignore[arg-type]
        MemberRecord(f"m{number}", SETTINGS, "s", "f", 3, ("a", "b")).save(folder)
    save_members_plot(folder, members, tmp_path / "a.svg", Heard())
    text = read_texts(tmp_path / "a.svg")
    assert label in text
    assert f">{title}<" in text
    assert "seconds per epoch" in text
    # A fitted head has no epochs.
    assert "Not measured" not in text


def test_nothing_is_drawn_without_members(tmp_path: Path) -> None:
    folder, _ = small_competition(tmp_path)
    heard = Heard()
    list_members("made", plot=tmp_path / "a.png", workspace=folder.workspace, progress=heard)
    assert heard.of_kind(Warned) == [Warned(f"{tmp_path / 'a.png'} was not written, because no member is trained yet.")]
    assert not (tmp_path / "a.png").exists()


def test_a_survey_is_drawn(tmp_path: Path) -> None:
    save_survey_plot("pets: backbones", SURVEY, tmp_path / "a.png", Heard())
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 1500
        assert np.asarray(picture.convert("L")).min() < 60


@pytest.mark.parametrize("call", [list_members, stack, survey])
def test_another_suffix_is_refused_before_any_work(call: object, workspace: Workspace) -> None:
    with pytest.raises(BadChoice, match=r"cannot be written to a\.jpg: give a file whose name ends with \.png"):
        call(plot="a.jpg", workspace=workspace)  # type: ignore[operator]
    assert read_plot_path(None) is None


def test_a_picture_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder.png", tmp_path / "file" / "a.png"):
        with pytest.raises(BadChoice, match="give a file in a folder that you may write to"):
            read_plot_path(path)
    assert read_plot_path(tmp_path / "new" / "a.png") == tmp_path / "new" / "a.png"
    assert not (tmp_path / "new").exists()
