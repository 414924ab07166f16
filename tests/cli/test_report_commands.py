"""`report` as a person uses it."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_reports import Wanted, make_reported

import ensembler
from ensembler.cli import commands
from ensembler.errors import BadChoice
from ensembler.reports.charts_shown import Charts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_reported(tmp_path, Wanted(classes=("cat", "dog"), task="binary"))
    monkeypatch.chdir(tmp_path)
    return made.root


def run(*words: str) -> Result:
    result = CliRunner().invoke(commands, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_page_lies_in_the_folder_of_the_competition(folder: Path) -> None:
    result = run("report", "--no-explain")
    assert str(folder / "report.html") in result.stdout
    text = (folder / "report.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert len(text) < 4_000_000


def test_json_has_the_figures_of_the_page(folder: Path) -> None:
    told = json.loads(run("report", "--no-explain", "--json", "-o", "other.html").stdout)
    assert told["path"] == str(Path("other.html").absolute())
    assert not (folder / "report.html").exists()
    assert told["answer"]["score"] == json.loads((folder / "stacks/both/stack.json").read_text())["score"]
    start = '<script type="application/json" id="facts">'
    embedded = Path("other.html").read_text("utf-8").split(start)[1].split("</script>")[0]
    assert json.loads(embedded) == {name: value for name, value in told.items() if name not in ("path", "bytes")}


@pytest.mark.parametrize("opens", [True, False])
def test_the_browser_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch, opens: bool) -> None:
    # The page is another test's.
    monkeypatch.setattr("ensembler.workflows.report.report.draw_charts", lambda *_: Charts())
    asked: list[str] = []

    def open_url(url: str) -> bool:
        asked.append(url)
        return opens

    monkeypatch.setattr(webbrowser, "open", open_url)
    result = run("report", "--no-explain", "--open")
    assert asked == [(folder / "report.html").as_uri()]
    assert ("No browser was found" in result.output) == (not opens)


@pytest.mark.parametrize("name", ["report.pdf", "report"])
def test_another_suffix_is_refused_before_any_work(folder: Path, name: str) -> None:
    with pytest.raises(BadChoice, match=r"must be a file that ends in \.html"):
        run("report", "-o", name)


def test_a_page_below_a_file_is_refused_before_any_work(folder: Path) -> None:
    with pytest.raises(BadChoice, match=r"competition\.toml is not a folder"):
        run("report", "-o", str(folder / "competition.toml" / "x.html"))


def test_the_handle_has_the_method(folder: Path) -> None:
    result = ensembler.open("made", workspace=folder.parent.parent).report(explain=False)
    assert result.facts.answer.shown == "both"
    assert "report.html" in repr(result)
