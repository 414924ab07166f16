"""The call that trains a member, as it is typed: kept beside the member, so that it can be told how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from ..backbones.custom import CustomBackbone
from ..callers import format_option
from ..errors import BadData
from ..paths import CompetitionFolder, Workspace
from ..serialization import read_json, write_json_if_changed
from .declared import RunOptions
from .sources import OptionSource


def build_call(member: str, run: RunOptions, command: OptionSource) -> list[str]:
    """Write a call of ``train-members`` for one member as words: first the member, then its options.

    Folds are not among them, since existing ones are taken. A time budget is: it may have made the member a smaller
    one, which goes on as such with a budget alone.

    Parameters
    ----------
    member
        As it was asked for, such as ``b0@strong``.
    run
        Options of the call.
    command
        Options of training that were typed, or given in Python.
    """
    budget = run.get("time_budget")
    kept = {
        "name": run.get("name"),
        "time_budget": f"{budget:g}s" if isinstance(budget, int | float) else budget,
        "preset": run.get("preset"),
        "config": run.get("config"),
    }
    options = {**{name: value for name, value in kept.items() if value is not None}, **command.options}
    return [member, *(word for option, value in options.items() for word in _format_option(option, value))]


def _format_option(option: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [format_option(option, value)]
    values = value if isinstance(value, tuple) else (value,)
    return [word for one in values for word in (format_option(option), _format_value(one))]


def _format_value(value: object) -> str:
    if not isinstance(value, CustomBackbone):
        return str(value)
    backbone = value.backbone
    source = value.file or backbone.builder
    return f"{backbone.name}={source},size={backbone.image_size},preprocessing={backbone.preprocessing}"


def save_call(folder: CompetitionFolder, member: str, words: Sequence[str]) -> None:
    """Keep the call of a member."""
    write_json_if_changed(folder.member(member) / "call.json", {"train-members": list(words)})


def build_training_commands(folder: CompetitionFolder, members: Iterable[str]) -> list[list[str]]:
    """Return commands that go on with members, as words; members that take the same options share a command.

    A member that was trained by an earlier version is asked for by its name alone.
    """
    members_by_options: dict[tuple[str, ...], list[str]] = {}
    for name in members:
        member, *options = _load_call(folder, name)
        members_by_options.setdefault(tuple(options), []).append(member)
    return [["train-members", "--members", ",".join(names), *options] for options, names in members_by_options.items()]


def _load_call(folder: CompetitionFolder, member: str) -> list[str]:
    try:
        words = read_json(folder.member(member) / "call.json")["train-members"]
        return [str(word) for word in words] or [member]
    except (BadData, KeyError, TypeError):
        return [member]


def format_command(words: Sequence[str], workspace: Workspace, competition: str = "") -> str:
    """Write a command as a person types it, with the folders where they are not the usual ones.

    Parameters
    ----------
    competition
        Its name, if it is not the one that is meant without a word.
    """
    folders = [("--data", workspace.data, "data"), ("--submissions", workspace.submissions, "submissions")]
    before = [word for option, path, usual in folders if str(path) != usual for word in (option, str(path))]
    after = ["-c", competition] if competition else []
    return shlex.join(["ensembler", *before, *words, *after])
