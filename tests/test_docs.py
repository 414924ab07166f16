from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import click
import pytest

from ensembler.cli import commands
from ensembler.cli.training_options import given as given_options
from ensembler.members.presets import Machine
from ensembler.workflows.configuration import configure

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "commands.md"
REGENERATE = runpy.run_path(str(ROOT / "docs" / "regenerate.py"))
HELP = REGENERATE["help_texts"]()
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def sections(page):
    return {found["call"]: found[0] for found in REGENERATE["SECTION"].finditer(page)}


def anchors(page):
    """Headings as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_command_stands_in_the_docs():
    assert sections(PAGE.read_text("utf-8")).keys() == HELP.keys()


@pytest.mark.parametrize("call", HELP)
def test_help_in_the_docs_is_the_real_one(call):
    section = sections(PAGE.read_text("utf-8"))[call]
    assert f"```text\n{HELP[call]}\n```" in section, "run `python docs/regenerate.py`"


def test_regenerating_mends_a_stale_help_and_keeps_the_words_around_it():
    page = PAGE.read_text("utf-8")
    stale = page.replace("Usage: ensembler stack", "Usage: ensembler heap")
    assert stale != page
    assert REGENERATE["regenerated"](stale) == page


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_and_option_has_help(name):
    command = commands.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("call", HELP)
def test_no_help_shows_a_mark_that_was_meant_for_click(call):
    # In a raw docstring click's "keep these lines" mark is two characters, and the lines run together.
    assert "\\b" not in HELP[call]


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_stands_in_the_readme(name):
    assert f"| `{name}" in (ROOT / "README.md").read_text("utf-8")


PAGES = [*ROOT.glob("*.md"), *(page for folder in ("docs", "benchmarks") for page in (ROOT / folder).glob("*.md"))]


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for file, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{file}#{anchor}"


TRAINING = (ROOT / "docs" / "training.md").read_text("utf-8")
EXAMPLES = re.findall(r"^ensembler ((?:train-members|config) .*)$", TRAINING, flags=re.MULTILINE)
NOT_OPTIONS = ("members", "competition", "folds", "restart", "time_budget", "show_augmented", "as_json")


def test_there_are_examples_of_training():
    assert len(EXAMPLES) > 8


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_training_are_understood(example, tmp_path, monkeypatch):
    (tmp_path / "options.toml").write_text(re.search(r"^```toml\n(.*?)^```$", TRAINING, re.DOTALL | re.MULTILINE)[1])
    monkeypatch.chdir(tmp_path)
    command, *words = shlex.split(example, comments=True)
    told = commands.commands[command].make_context(command, words).params
    given = given_options({name: value for name, value in told.items() if name not in NOT_OPTIONS})
    preset, config = (given.pop(name, None) for name in ("preset", "config"))
    configuration = configure(given, preset, config)
    for member in told["members"]:
        assert configuration.settings(Machine(), member)
