"""Names of arguments in messages."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import click
import pytest

import ensembler
from ensembler.callers import (
    COMPETITION_COMMANDS,
    address_caller,
    address_command_line,
    address_competition,
    format_option,
)
from ensembler.cli import commands
from ensembler.errors import BadChoice, BadData, InvalidSubmission
from ensembler.events import Noted, Warned

PACKAGE = Path(ensembler.__file__).parent


@pytest.mark.parametrize(
    ("typed", "python"),
    [
        ("--learning-rate must be above 0.", "learning_rate must be above 0."),
        ("--refit must be true or false", "refit must be true or false"),
        ("(--epochs, --phase)", "(epochs, phases)"),
        ("train it again with --restart.", "train it again with restart=True."),
        ("`--weights none` or `--head random`", "weights='none' or head='random'"),
        ("`--confidence 0.99`", "confidence=0.99"),
        ("leave out --no-wait", "leave out wait=False"),
        ("call it by --name NAME.", "call it by name='NAME'."),
        ("Answer with --sample FILE.", "Answer with Hints(sample='FILE')."),
        ("--groups takes a file", "Hints(groups=...) takes a file"),
        ("`--metric 'sample f1'` for tags", "Hints(metric='sample f1') for tags"),
        ("`--leave-out a/masks`", "Hints(leave_out=('a/masks',))"),
        ("or --incomplete-labels.", "or Hints(incomplete_labels=True)."),
        ("another folder with --data", "another folder with workspace"),
        ("run `ensembler stack`.", "run `ensembler.stack()`."),
        ("`ensembler folds --folds 5`", "`ensembler.folds(folds=5)`"),
        ("`ensembler adopt FOLDER --name NAME`", "`ensembler.adopt('FOLDER', name='NAME')`"),
        ("`ensembler notebook --push --submit`", "`ensembler.notebook(push=True, submit=True)`"),
        ("`ensembler train-members --members ...`", "`ensembler.train_members(members=...)`"),
        ("`ensembler members --measure` does", "`ensembler.list_members(measure=True)` does"),
        ("see `ensembler members`", "see `ensembler.list_members()`"),
        ("`ensembler members rm b0 b2 -c pets`", "`ensembler.remove_members('b0,b2', competition='pets')`"),
        ("data/my--folder/a --b/--c", "data/my--folder/a --b/--c"),
        ("a dash -- such as this", "a dash -- such as this"),
    ],
)
def test_arguments_are_named_as_the_caller_writes_them(typed: str, python: str) -> None:
    assert address_caller(typed) == python
    for error in (BadChoice(typed), BadData(typed)):
        assert str(error) == python
    assert (Noted(typed).text, Warned(typed).text) == (python, python)
    with address_command_line():
        assert str(BadChoice(typed)) == Noted(typed).text == typed
        with address_command_line():
            pass
        assert str(BadChoice(typed)) == typed
    # A rewritten message stays unchanged.
    assert address_caller(python) == python


@pytest.mark.parametrize(
    ("text", "typed", "python"),
    [
        (
            "make `ensembler folds --folds 5`.",
            "make `ensembler --data d folds --folds 5 -c pets`.",
            "make `ensembler.folds(folds=5, competition='pets')`.",
        ),
        ("`ensembler stack -c cars`", "`ensembler --data d stack -c cars`", "`ensembler.stack(competition='cars')`"),
        ("`ensembler fetch SLUG`", "`ensembler --data d fetch SLUG`", "`ensembler.fetch('SLUG')`"),
    ],
)
def test_commands_name_the_competition_and_the_folders_that_they_need(text: str, typed: str, python: str) -> None:
    with address_competition("pets"):
        assert address_caller(text) == address_caller(python) == python
        with address_command_line(["--data", "d"]):
            assert address_caller(text) == address_caller(typed) == typed
    with address_command_line():
        assert address_caller(text) == text


def test_the_commands_that_take_a_competition() -> None:
    taking = {
        name
        for name, command in commands.commands.items()
        if any(parameter.name == "competition" and "-c" in parameter.opts for parameter in command.params)
    }
    assert taking == COMPETITION_COMMANDS


def test_the_headline_of_a_bad_csv_names_arguments_too() -> None:
    assert InvalidSubmission("Submit it with --again", [("a", "b")]).headline == "Submit it with again=True"


@pytest.mark.parametrize(
    ("name", "value", "typed"),
    [
        ("batch_size", None, "--batch-size"),
        ("phases", None, "--phase"),
        ("flips", True, "--flips"),
        ("flips", False, "--no-flips"),
        ("weights", "none", "--weights none"),
    ],
)
def test_arguments_as_options(name: str, value: object, typed: str) -> None:
    assert format_option(name, value) == typed


def list_messages() -> list[tuple[str, str]]:
    """List strings that may name options: those outside the command line, without docstrings."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        module = path.relative_to(PACKAGE).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        # These modules name options of other programs.
        if module.startswith("cli/") or module in ("callers.py", "engines/hardware.py", "submission/notebook/cells.py"):
            continue
        found += [
            (module, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        ]
    return found


NAMED = sorted(
    {
        (module, name)
        for module, text in list_messages()
        for name in re.findall(r"(?<![\w/-])--([a-z][a-z-]*[a-z])", text)
    }
)
OPTIONS = {
    option
    for command in (commands, *commands.commands.values())
    for parameter in command.get_params(click.Context(command, help_option_names=["-h", "--help"]))
    for option in (*parameter.opts, *parameter.secondary_opts)
}
KEYWORDS = {
    name
    for function in ensembler.__all__
    if inspect.isfunction(getattr(ensembler, function))
    for name in inspect.signature(getattr(ensembler, function)).parameters
}


def test_messages_name_many_options() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize(("module", "name"), NAMED)
def test_what_messages_name_is_an_option_and_a_keyword(module: str, name: str) -> None:
    assert f"--{name}" in OPTIONS, f"{module} names it"
    keyword = address_caller(f"--{name}").partition("=")[0]
    hint = keyword.removeprefix("Hints(")
    assert (
        keyword in KEYWORDS
        or hint in inspect.signature(ensembler.Hints).parameters
        or getattr(ensembler, keyword.removeprefix("ensembler."), None)
    )


@pytest.mark.parametrize(
    "command", sorted({found for _, text in list_messages() for found in re.findall(r"`ensembler ([a-z-]+)", text)})
)
def test_what_messages_call_is_a_command_and_a_function(command: str) -> None:
    assert command in commands.commands
    function = re.sub(r"`ensembler\.(\w+).*", r"\1", address_caller(f"`ensembler {command}`"))
    assert callable(getattr(ensembler, function))
