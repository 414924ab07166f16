"""The command line that trains a member. It is stored beside the member, so that messages can show how to resume it."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..backbones.registry import Backbone
from ..callers import format_option
from ..errors import BadData
from ..paths import CompetitionFolder, Workspace
from ..serialization import read_json, write_json_if_changed
from .corrections import CORRECTIONS_FILE
from .declared import RunOptions
from .sources import OptionSource


def build_call(member: str, run: RunOptions, command: OptionSource) -> list[str]:
    """Return a call of ``train-members`` for one member as words: the member, then its options.

    Folds are left out, because existing folds are used. A time budget is included: it may have reduced the member,
    which resumes in this form only with a budget.

    Parameters
    ----------
    member
        Name as the user typed it, such as ``b0@strong``.
    run
        Options of the call.
    command
        Options of training of the command line or Python call.
    """
    kept: dict[str, Any] = {name: run.get(name) for name in ("name", "time_budget", "preset", "config")}
    if isinstance(kept["time_budget"], int | float):
        kept["time_budget"] = f"{kept['time_budget']:g}s"
    words = [member]
    for option, value in [*kept.items(), *command.options.items()]:
        if isinstance(value, bool):
            words.append(format_option(option, value))
        elif value is not None:
            for one in value if isinstance(value, tuple) else (value,):
                words += [format_option(option), _format_backbone(one) if isinstance(one, Backbone) else str(one)]
    return words


def _format_backbone(backbone: Backbone) -> str:
    source = backbone.file or backbone.builder
    return f"{backbone.name}={source},size={backbone.image_size},preprocessing={backbone.preprocessing}"


def save_call(folder: CompetitionFolder, member: str, words: Sequence[str]) -> None:
    """Store the call of a member."""
    write_json_if_changed(folder.member(member) / "call.json", {"train-members": list(words)})


def group_training_commands(folder: CompetitionFolder, members: Iterable[str]) -> list[tuple[list[str], list[str]]]:
    """Return the names of members, and the command that resumes them as words, for members with the same options.

    A member of an earlier version, which stored no call, is trained by its name alone. The files of corrections are
    the copies in the members' folders, because the originals may have changed since.
    """
    members_by_options: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    commands: dict[tuple[str, ...], list[str]] = {}
    for name in members:
        typed, *options = _load_call(folder, name)
        copy = folder.member(name) / CORRECTIONS_FILE
        content = copy.read_text("utf-8") if copy.is_file() else ""
        shared = _drop_corrections(options) if content else options
        key = (*shared, content)
        members_by_options.setdefault(key, []).append((name, typed))
        commands.setdefault(key, [*shared, *_name_corrections(copy, content)])
    return [
        (
            [name for name, _ in both],
            ["train-members", "--members", ",".join(typed for _, typed in both), *commands[key]],
        )
        for key, both in members_by_options.items()
    ]


def _drop_corrections(options: Sequence[str]) -> list[str]:
    names = ("--exclude", "--relabel")
    pairs = zip(["", *options], options, strict=False)
    return [word for before, word in pairs if word not in names and before not in names]


def _name_corrections(copy: Path, content: str) -> list[str]:
    """Return the options of a file of corrections that has some."""
    suggestions = {row.get("suggestion") for row in csv.DictReader(content.splitlines())}
    return [word for name in ("exclude", "relabel") if name in suggestions for word in (f"--{name}", str(copy))]


def _load_call(folder: CompetitionFolder, member: str) -> list[str]:
    try:
        words = read_json(folder.member(member) / "call.json")["train-members"]
        return [str(word) for word in words] or [member]
    except (BadData, KeyError, TypeError):
        return [member]


def format_command(words: Sequence[str], workspace: Workspace, competition: str = "") -> str:
    """Return a command as the user types it, with folders that are not the defaults.

    Parameters
    ----------
    competition
        Name of the competition. Empty if it is the current one.
    """
    folders = [("--data", workspace.data, "data"), ("--submissions", workspace.submissions, "submissions")]
    before = [
        word
        for option, path, usual in folders
        if path.absolute() != Path(usual).absolute()
        for word in (option, str(path))
    ]
    after = ["-c", competition] if competition else []
    return shlex.join(["ensembler", *before, *words, *after])
