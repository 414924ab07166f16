from __future__ import annotations

import itertools
import re
import runpy
import shlex
from pathlib import Path

import click
import pytest

from ensembler.cli import commands
from ensembler.cli.training_options import select_given_options as given_options
from ensembler.images.views import VIEWS
from ensembler.options.configuration import configure
from ensembler.options.presets import CPU_OPTIONS, FAMILY_OPTIONS, FROM_SCRATCH_OPTIONS, PRESETS, Machine
from ensembler.options.reading import DEFAULTS, OPTIONS

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


PAGES = [*ROOT.glob("*.md"), *(page for folder in ("docs", "benchmarks") for page in (ROOT / folder).rglob("*.md"))]


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for file, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{file}#{anchor}"


def list_examples(page):
    """List the commands that a page shows, without ``ensembler``."""
    return re.findall(r"^(?:\$ )?ensembler (.*)$", re.sub(r"\\\n +", "", page), flags=re.MULTILINE)


EVERY_EXAMPLE = sorted({example for page in PAGES for example in list_examples(page.read_text("utf-8"))})


def test_there_are_examples():
    assert {example.split()[0] for example in EVERY_EXAMPLE} >= {
        "fetch",
        "adopt",
        "survey",
        "stack",
        "submit",
        "predict",
    }


@pytest.mark.parametrize("example", EVERY_EXAMPLE)
def test_every_example_is_parsed(example):
    command, *words = shlex.split(example, comments=True)
    assert commands.commands[command].make_context(command, words)


TRAINING = (ROOT / "docs" / "training.md").read_text("utf-8")
EXAMPLES = [example for example in list_examples(TRAINING) if re.match(r"(train-members|config) ", example)]


def test_there_are_examples_of_training():
    assert len(EXAMPLES) > 8


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_training_are_understood(example, tmp_path, monkeypatch):
    (tmp_path / "options.toml").write_text(re.search(r"^```toml\n(.*?)^```$", TRAINING, re.DOTALL | re.MULTILINE)[1])
    monkeypatch.chdir(tmp_path)
    command, *words = shlex.split(example, comments=True)
    told = commands.commands[command].make_context(command, words).params
    given = given_options({name: told[name] for name in (*OPTIONS, "preset", "config")})
    preset, config = (given.pop(name, None) for name in ("preset", "config"))
    configuration = configure(given, preset, config)
    for member in told["members"]:
        assert configuration.resolve_settings(Machine(), member)


def rows_below(heading):
    """Cells of the first table below a line of a page, without marks of code."""
    lines = TRAINING[TRAINING.index(heading) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    return [[cell.strip() for cell in line.replace("`", "").strip("|").split("|")] for line in table]


def words_of(preset):
    """What the table of presets is to say of one."""
    options, without = PRESETS[preset], CPU_OPTIONS.get(preset, {})
    trainable = options["unfreeze"]
    if "unfreeze" in without:
        trainable += f" with a GPU, else {without['unfreeze']}"
    fine_tuned = options["unfreeze"] != "none"
    views = len(VIEWS[options["tta"]])
    return {
        "trainable layers of the backbone": trainable,
        "epochs of fine-tuning": str(options["epochs"]) if fine_tuned else "",
        "augmentation in fine-tuning": options["augmentation"] if fine_tuned else "",
        "head fitted on mirrored photos": "yes" if options["flips"] else "no",
        "views averaged in prediction": f"{views} ({options['tta']})" if views > 1 else "1",
        "label smoothing": f"{options['label_smoothing']:g}",
        "decay of the weights' moving average": f"{options['ema']:g}" if options["ema"] else "none",
    }


@pytest.mark.parametrize(("column", "preset"), list(enumerate(PRESETS, 1)))
def test_the_table_of_presets_is_true(column, preset):
    head, _, *rows = rows_below("## Presets")
    assert head[column].split()[0] == preset
    assert {row[0]: row[column] for row in rows} == words_of(preset)


def test_the_table_of_presets_leaves_nothing_out():
    assert len(words_of("best")) == len(PRESETS["best"])


def test_the_table_of_families_is_true():
    _, _, *rows = rows_below("Some families have other defaults")
    told = {name: (float(rate), float(decay)) for name, rate, decay in rows}
    wanted = {"most": {}, "from random weights (--weights none)": FROM_SCRATCH_OPTIONS}
    wanted |= {f"{family}...": options for family, options in FAMILY_OPTIONS.items()}
    found = {name: DEFAULTS | options for name, options in wanted.items()}
    assert told == {name: (options["learning_rate"], options["weight_decay"]) for name, options in found.items()}


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("`--clip-norm 1` scales all gradients down where their joint norm is larger. 0, the default", "clip_norm"),
        ("`--first-block-rate 0.1`, the default", "first_block_rate"),
        ("0, the default, trains all epochs", "patience"),
    ],
)
def test_defaults_in_words_are_true(words, option):
    assert words in " ".join(TRAINING.split())
    assert re.search(r"(\S+?)`?, the default", words)[1] == f"{DEFAULTS[option]:g}"
