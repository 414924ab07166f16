"""Spelling of arguments in messages: as options on the command line, as keywords in Python.

Messages are written for the command line. ``--epochs`` names an argument, ``--name NAME`` adds a value in capitals, and
backquotes enclose any other value (```--epochs 5```) or a call (```ensembler stack --top 3```).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

# Arguments whose option has another name, because it is repeated or shared by several arguments.
_OPTIONS = {"phases": "phase", "backbones": "backbone", "formats": "format", "class_name": "class"}
_ARGUMENTS = {
    **{option: name for name, option in _OPTIONS.items()},
    "data": "workspace",
    "submissions": "workspace",
    "yes": "force",
    "show-augmented": "ensembler.show_augmented",
}
_HINTS = frozenset(
    {
        "positive",
        "labels",
        "image-column",
        "label-column",
        "group-column",
        "sample",
        "placeholder",
        "incomplete-labels",
        "incomplete-photos",
        "conflicting-labels",
    }
    | {"groups", "metric", "like", "leave-out", "task"}
)
# Options that may be repeated.
_REPEATED = frozenset({"leave-out"})
# Options without a value.
_FLAGS = frozenset(
    {"again", "data-parallel", "force", "full", "measure", "offline", "push", "refit", "restart"}
    | {"conflicting-labels", "incomplete-labels", "incomplete-photos"}
    | {"exif", "submit", "tensorboard", "yes"}
)
_FUNCTIONS = {"members": "list_members", "backbones": "list_backbones"}
_CALL = re.compile(
    r"`ensembler (?P<command>[a-z][a-z-]*)(?P<words>[^`]*)`"
    r"|`--(?P<given>[a-z][a-z-]*) (?P<value>[^`]+)`"
    r"|(?<![\w`/-])--(?P<named>[a-z][a-z-]*)(?![\w/])(?: (?P<placeholder>[A-Z]{2,}\b))?"
)
_COMMAND = re.compile(r"`ensembler (?P<command>[a-z][a-z-]*)(?P<words>[^`]*)`")
# Commands that use the current competition unless -c names another one.
COMPETITION_COMMANDS = frozenset(
    {
        "check",
        "distill",
        "explain",
        "export",
        "folds",
        "layout",
        "members",
        "notebook",
        "predict",
        "report",
        "score",
        "stack",
        "status",
    }
    | {"submissions", "submit", "survey", "train-members"}
)
# Job processes inherit these variables.
_CALLER_VARIABLE = "ENSEMBLER_CALLER"
_FOLDERS_VARIABLE = "ENSEMBLER_CALLER_FOLDERS"
_COMPETITION_VARIABLE = "ENSEMBLER_CALLER_COMPETITION"
_SOURCES_VARIABLE = "ENSEMBLER_CALLER_SOURCES"


@contextlib.contextmanager
def address_command_line(folders: Sequence[str] = ()) -> Iterator[None]:
    """Spell arguments in the messages of this process and its jobs as on the command line.

    Parameters
    ----------
    folders
        Words before each suggested command, such as ``--data FOLDER``.
    """
    with _set_variables({_CALLER_VARIABLE: "command line", _FOLDERS_VARIABLE: shlex.join(folders)}):
        yield


@contextlib.contextmanager
def address_competition(name: str) -> Iterator[None]:
    """Name a competition in each command that messages suggest. An empty name adds none: it is the current one."""
    with _set_variables({_COMPETITION_VARIABLE: name}):
        yield


@contextlib.contextmanager
def address_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Name environment variables as the sources of arguments, by the names of the arguments."""
    with _set_variables({_SOURCES_VARIABLE: json.dumps(dict(variables))}):
        yield


def address_caller_of(environment: Mapping[str, str]) -> None:
    """Spell arguments in all messages of this process as for the caller of another process.

    Parameters
    ----------
    environment
        Environment variables of that process.
    """
    os.environ.update({name: value for name, value in environment.items() if name.startswith(_CALLER_VARIABLE)})


def name_source(argument: str = "") -> str:
    """Return where the value of an argument comes from: ``arguments``, ``command line``, or a variable."""
    if not os.environ.get(_CALLER_VARIABLE):
        return "arguments"
    variables: dict[str, str] = json.loads(os.environ.get(_SOURCES_VARIABLE) or "{}")
    return variables.get(argument, "command line")


@contextlib.contextmanager
def _set_variables(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name, "") for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.update(before)


def address_caller(text: str) -> str:
    """Return a message with complete commands, and in Python with keywords in place of options."""
    text = _COMMAND.sub(_complete_command, text)
    return text if os.environ.get(_CALLER_VARIABLE) else _CALL.sub(_rewrite, text)


def _complete_command(found: re.Match[str]) -> str:
    """Add to a command the folders and the competition that it needs in order to do what the message means."""
    folders, competition = os.environ.get(_FOLDERS_VARIABLE), os.environ.get(_COMPETITION_VARIABLE)
    needs_name = competition and found["command"] in COMPETITION_COMMANDS and " -c " not in found["words"]
    before = f"{folders} " if folders else ""
    after = f" -c {shlex.quote(competition)}" if competition and needs_name else ""
    return f"`ensembler {before}{found['command']}{found['words']}{after}`"


def format_option(name: str, value: object = None) -> str:
    """Format an argument as on the command line: ``--batch-size``, ``--no-flips``, ``--weights none``."""
    option = _OPTIONS.get(name, name).replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    return f"--{option}" if value is None else f"--{option} {value}"


def _rewrite(found: re.Match[str]) -> str:
    if found["command"]:
        return f"`ensembler.{_rewrite_call(found['command'], shlex.split(found['words']))}`"
    if found.string.startswith(" must be", found.end()):
        # The wrong value is not the one that the flag stands for.
        return found["named"].replace("-", "_")
    return _rewrite_argument(found["given"] or found["named"], found["value"] or found["placeholder"])


def _rewrite_call(command: str, words: list[str]) -> str:
    arguments = []
    if command == "members" and words[:1] == ["rm"]:
        # A list of names may be a single text with commas.
        names = list(itertools.takewhile(lambda word: not word.startswith("-"), words[1:]))
        command, words = "remove_members", [",".join(names), *words[len(names) + 1 :]]
    while words:
        word = words.pop(0)
        word = "--competition" if word == "-c" else word
        if word.startswith("--"):
            value = words.pop(0) if words and not words[0].startswith(("--", "-c")) else None
            arguments.append(_rewrite_argument(word[2:], value))
        else:
            arguments.append(_quote(word))
    return f"{_FUNCTIONS.get(command, command.replace('-', '_'))}({', '.join(arguments)})"


def _rewrite_argument(option: str, value: str | None) -> str:
    if option.startswith("no-"):
        option, value = option[3:], "False"
    elif option in _FLAGS:
        value = value or "True"
    name = _ARGUMENTS.get(option, option.replace("-", "_"))
    if option in _HINTS:
        quoted = _quote(value or "...")
        return f"Hints({name}=({quoted},))" if option in _REPEATED else f"Hints({name}={quoted})"
    return f"{name}={_quote(value)}" if value else name


def _quote(value: str) -> str:
    plain = value in ("True", "False", "...") or re.fullmatch(r"-?\d+(\.\d+)?", value)
    return value if plain else repr(value.strip("'"))
