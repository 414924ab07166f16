"""Reports of competitions in any state: each tells what is missing, and damage does not take the page along."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.photos import write_photo
from made_reports import Wanted, make_competition, make_members, make_reported, make_stack, write_stack_record

from ensembler.competition.folds.file import build_folds, save_folds
from ensembler.competition.tables import load_tables
from ensembler.paths import CompetitionFolder
from ensembler.progress import SILENT
from ensembler.reports.charts_shown import Charts
from ensembler.reports.facts import ReportFacts
from ensembler.reports.page import render_page
from ensembler.serialization import read_json, write_json
from ensembler.workflows.report.gather import gather_report
from ensembler.workflows.report.sources import read_sources
from ensembler.workflows.report.troubles import Troubles

WANTED = Wanted(epochs=2, photo=write_photo)
BINARY = replace(WANTED, task="binary", classes=("cat", "dog"))
TAGS = replace(WANTED, task="multilabel", classes=("sun", "rain", "snow"), metric="mean column-wise roc auc")


def tell(folder: CompetitionFolder) -> tuple[ReportFacts, str]:
    """Return the facts of a report, and the page without charts."""
    sources = read_sources(folder, Troubles(SILENT))
    gathered = gather_report(sources, explain=False)
    exclusive, rotated = sources.manifest.task != "multilabel", sources.manifest.is_orientation
    return gathered.facts, render_page(
        gathered.facts, Charts(), gathered.pictures, exclusive=exclusive, rotated=rotated
    )


def test_without_members_the_page_says_what_to_do(tmp_path: Path) -> None:
    folder, _ = make_competition(tmp_path, WANTED)
    facts, page = tell(folder)
    assert (facts.answer.shown, facts.answer.score) == ("", None)
    for gap in (facts.members.gap, facts.quality.gap, facts.photos.gap):
        assert gap
        assert "train-members --members" in gap.command
    assert facts.data.classes
    assert page.count("train-members --members") >= 4


def test_without_a_stack_the_best_member_is_shown(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, replace(WANTED, stack=""))
    facts, page = tell(folder)
    assert (facts.answer.kind, facts.answer.shown) == ("member", "large")
    assert facts.answer.gap
    assert facts.answer.gap.command.endswith(" stack")
    assert facts.quality.before
    assert facts.quality.after is None
    assert [one.member for one in facts.photos.largest[0].said] == ["large", "small"]
    assert "There is no stack yet" in page


@pytest.mark.parametrize("wanted", [WANTED, BINARY, TAGS], ids=lambda wanted: wanted.task)
def test_a_stack_of_each_task(tmp_path: Path, wanted: Wanted) -> None:
    facts, _ = tell(make_reported(tmp_path, wanted))
    assert (facts.answer.kind, facts.answer.shown, facts.troubles) == ("stack", "both", ())
    assert facts.quality.rows == wanted.rows
    assert bool(facts.quality.confusion) == (wanted.task != "multilabel")
    assert bool(facts.quality.curves) == ("auc" in wanted.metric)
    assert len(facts.quality.classes) == len(wanted.classes)
    losses = [photo.loss for photo in facts.photos.largest]
    assert losses == sorted(losses, reverse=True)
    assert len(facts.photos.uncertain) == wanted.test_rows
    assert {one.member for one in facts.photos.largest[0].said} == {"small", "large"}


def test_an_orientation_task_shows_rotations(tmp_path: Path) -> None:
    wanted = replace(WANTED, task="orientation", classes=("0", "90", "180", "270"), rows=12, test_rows=4)
    facts, page = tell(make_reported(tmp_path, wanted))
    assert facts.quality.rows == 48
    assert {photo.rotation for photo in facts.photos.largest} <= {0, 90, 180, 270}
    assert "rotations of photos" in page


def write(place: str, text: str) -> Callable[[CompetitionFolder], None]:
    def damage(folder: CompetitionFolder) -> None:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)

    return damage


def remove(place: str) -> Callable[[CompetitionFolder], None]:
    return lambda folder: (folder / place).unlink()


# What is damaged, the words that name it on the page, and what is shown nonetheless.
DAMAGES = {
    "member": (write("members/small/member.json", "{"), "members/small/member.json", "both"),
    "fold": (write("members/small/fold-0/fold.json", "{"), "members/small/fold-0/fold.json", "both"),
    "predictions": (write("members/small/fold-1/predictions.npz", "x"), "fold-1/predictions.npz", "both"),
    "history": (remove("members/small/fold-0/history.csv"), "", "both"),
    "speed": (write("members/small/speed.json", "{"), "", "both"),
    "call": (write("members/small/call.json", "[1]"), "", "both"),
    "unfinished": (remove("members/small/fold-0/fold.json"), "Fold 0 of small is not finished", "both"),
    "stack": (write("stacks/both/stack.json", "{"), "stacks/both/stack.json", "large"),
    "stack's predictions": (write("stacks/both/predictions.npz", "x"), "stacks/both/predictions.npz", "large"),
    "folds": (write("folds.csv", "id,fold\n1,9\n"), "folds.csv", ""),
    "no folds": (remove("folds.csv"), "folds.csv", ""),
    "table": (write("train.csv", "nonsense\n"), "train.csv", ""),
    "no table": (remove("train.csv"), "rebuild", ""),
    "no stamp": (remove("tables.json"), "rebuild", "large"),
    "ledger": (write("../../submissions/ledger.db", "nonsense"), "ledger.db", "both"),
    "check": (write("check/check.json", "{"), "check/check.json", "both"),
    "duplicates": (write("duplicates.csv", "a,b\n1,2\n"), "duplicates.csv", "both"),
    "no photos": (lambda folder: shutil.rmtree(folder / "../../photos"), "", "both"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_record_is_named_and_leaves_the_rest(tmp_path: Path, what: str) -> None:
    damage, words, shown = DAMAGES[what]
    folder = make_reported(tmp_path, WANTED)
    damage(folder)
    facts, page = tell(folder)
    assert any(words in sentence for sentence in facts.troubles) if words else not facts.troubles
    assert facts.answer.shown == shown
    assert not words or "could not be used" in page
    assert facts.repeat.commands


def test_stale_stacks_are_not_ranked(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, WANTED)
    folder.folds.write_text(folder.folds.read_text("utf-8") + "\n", "utf-8")
    facts, page = tell(folder)
    (stack,) = facts.answer.stacks
    assert (stack.rank, stack.stale) == (None, "folds")
    assert "other folds" in page
    assert facts.answer.shown == ""


def test_stacks_are_ranked_by_the_metric(tmp_path: Path) -> None:
    folder, tables = make_competition(tmp_path, WANTED)
    make_members(folder, tables, WANTED)
    for name, signal in (("worse", 1.0), ("best", 4.0), ("middle", 2.0)):
        make_stack(folder, tables, replace(WANTED, stack=name, signal=signal))
    facts, _ = tell(folder)
    assert [(one.rank, one.name) for one in facts.answer.stacks] == [(1, "best"), (2, "middle"), (3, "worse")]
    assert facts.answer.stacks[1].behind == pytest.approx(
        facts.answer.stacks[1].score - facts.answer.stacks[0].score, abs=1e-6
    )


def test_hidden_labels_score_the_stack(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, BINARY)
    ids = range(BINARY.rows, BINARY.rows + BINARY.test_rows)
    rows = "".join(f"{one},{0.9 if one % 2 else 0.1}\n" for one in ids)
    next(folder.submissions.glob("*.csv")).write_text("id,dog\n" + rows)
    folder.solution.write_text("id,label\n" + "".join(f"{one},{'dog' if one % 2 else 'cat'}\n" for one in ids))
    facts, page = tell(folder)
    assert facts.answer.hidden_score == pytest.approx(0.10536, abs=1e-4)
    assert "hidden labels" in page


def test_scores_after_corrections_stand_beside_the_original_ones(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, WANTED)
    corrected = {"metric": "log loss", "score": 0.0512, "log_loss": 0.0512}
    write_stack_record(folder, load_tables(folder), WANTED, 0.0733, corrected=corrected)
    facts, page = tell(folder)
    assert (facts.answer.score, facts.answer.corrected_score) == (0.0733, 0.0512)
    assert "after corrections of labels" in page


def test_the_page_tells_what_is_needed_to_repeat_the_work(tmp_path: Path) -> None:
    folder, tables = make_competition(tmp_path, WANTED)
    save_folds(folder, tables, build_folds(tables, 3, None, 7))
    make_members(folder, tables, WANTED)
    make_stack(folder, tables, WANTED)
    write_stack_record(folder, tables, WANTED, 0.1, seed=5, asked="auto", top=2, versions={"keras": "3.9"})
    facts, page = tell(folder)
    assert facts.repeat.commands[-1].endswith("--name both --meta auto --top 2 --seed 5")
    assert facts.repeat.stacked_with == {"both": {"keras": "3.9"}}
    assert facts.repeat.trained_with["small"]["python"] == platform.python_version()
    # No likely seed makes these folds.
    assert ["seed" in one for one in facts.repeat.commands[:2]] == [False, False]
    assert "keep the file" in page
    save_folds(folder, tables, build_folds(tables, 3, None, 0))
    assert tell(folder)[0].repeat.commands[1].endswith("folds --folds 3 --seed 0")


def test_what_early_versions_did_not_store_is_told(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, WANTED)
    for path in folder.root.glob("members/*/fold-*/fold.json"):
        write_json(path, {name: value for name, value in read_json(path).items() if name != "versions"})
    facts, _ = tell(folder)
    assert facts.repeat.notes == (
        "The seed of both is not stored: an earlier version built it.",
        "The versions that trained large, small are not stored: an earlier version did.",
    )


def test_many_members_are_not_explained_and_the_page_says_why(tmp_path: Path) -> None:
    wanted = replace(WANTED, members=tuple(f"m{one}" for one in range(21)), folds=2, rows=12)
    folder = make_reported(tmp_path, wanted)
    gap = gather_report(read_sources(folder, Troubles(SILENT)), explain=True).facts.photos.explanation_gap
    assert "the networks of 21 members" in gap
