"""Writes a batch script for SLURM, which runs a command on all nodes of an allocation."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from ...errors import BadChoice
from ...options.arguments import Count, Texts, check_arguments
from ...options.kinds import declare
from .body import fill_body

# Commands that run jobs on an engine.
COMMANDS = ("train-members", "distill", "survey", "stack", "predict", "explain")
# Seconds within which all nodes must have joined.
_NODES_SECONDS = 300
_TIME = re.compile(r"\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2}")
_MEMORY = re.compile(r"\d+[KMGT]?", re.IGNORECASE)
_NAME = re.compile(r"[\w.@+-]+")

# Number that may be zero.
Number = Annotated[int, declare("N", ge=0)]


@check_arguments
def slurm_script(
    command: Texts,
    *,
    nodes: Count = 1,
    gpus: Number = 0,
    processors: Count = 8,
    memory: str = "0",
    time: str = "1-00:00:00",
    partition: str | None = None,
    account: str | None = None,
    name: str = "ensembler",
    sbatch: Texts = (),
    setup: Texts = (),
    save_seconds: Count = 300,
    requeues: Number = 20,
) -> str:
    """Write a batch script that starts Ray on the nodes of an allocation and runs a command on them.

    The first node is the head of the Ray cluster, and ``srun`` starts Ray on the others. Before the time limit the
    command saves its state, and the job is queued again. Everything that was started ends with the job.

    Parameters
    ----------
    command
        Arguments of ``ensembler``, such as ``["train-members", "--members", "b0,b2"]``, or one text, which is split as
        a shell does. The options of the engine are added.
    nodes, gpus, processors
        Number of nodes, and of GPUs and processors of each.
    memory
        Main memory of each node, such as ``64G``. 0 is all of it.
    time
        Time limit in a format of SLURM, such as ``12:00:00`` or ``2-00:00:00``.
    partition, account
        Partition and account. None leaves the choice to SLURM.
    name
        Name of the job.
    sbatch
        Further options of ``sbatch``, such as ``--constraint=a100``, one each.
    setup
        Lines of bash that make ``ensembler`` and ``ray`` available. By default, the folder of this Python is added to
        ``PATH``.
    save_seconds
        Seconds before the time limit at which the command is asked to save its state.
    requeues
        Number of times that the job is queued again after the time limit.

    Returns
    -------
    str
        Text of the script.

    Raises
    ------
    BadChoice
        If the command has no jobs, names an engine itself, or a value is invalid.

    Examples
    --------
    >>> script = ensembler.slurm_script("train-members --members b0,b2", nodes=2, gpus=4, time="12:00:00")
    >>> script.splitlines()[3]
    '#SBATCH --nodes=2'
    """
    words = _read_command(list(command))
    checked_time = _check("--time", time, _TIME, "minutes, HH:MM:SS or D-HH:MM:SS")
    _require_time_before_signal(time, save_seconds)
    options = {
        "job-name": _check("--name", name, _NAME, "letters, digits and . _ @ + -"),
        "output": f"{name}-%j.log",
        "nodes": nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": processors,
        "gpus-per-node": gpus or None,
        "mem": _check("--memory", memory, _MEMORY, "a number with K, M, G or T"),
        "time": checked_time,
        "partition": partition and _check("--partition", partition, _NAME, "letters, digits and . _ @ + -"),
        "account": account and _check("--account", account, _NAME, "letters, digits and . _ @ + -"),
        "signal": f"B:USR1@{save_seconds}",
        "open-mode": "append",
        "requeue": "",
    }
    directives = [f"--{option}={value}".rstrip("=") for option, value in options.items() if value is not None]
    lines = [*directives, *_read_directives(sbatch)]
    values = {
        "environment": "\n".join(_read_lines("--setup", setup) or [_build_default_setup()]),
        "command": shlex.join(["ensembler", *words]),
        "seconds": str(_NODES_SECONDS),
        "requeues": str(requeues),
    }
    # Lines with #SBATCH come first, because sbatch reads none below a command.
    return "\n".join(["#!/bin/bash", *(f"#SBATCH {line}" for line in lines)]) + "\n\n" + fill_body(values)


def _read_command(words: Sequence[str]) -> Sequence[str]:
    """Check the arguments of ``ensembler``, which may begin with that word. A single text is split."""
    words = _split(words[0]) if len(words) == 1 else words
    words = words[1:] if words[:1] == ["ensembler"] else words
    if not set(COMMANDS) & set(words):
        raise BadChoice(
            f"The command of a batch script must be one with jobs: {', '.join(COMMANDS)}. "
            f"Received: {shlex.join(words) or 'none'}"
        )
    if own := [word for word in words if word.partition("=")[0] in ("--engine", "--ray-address")]:
        raise BadChoice(f"The script sets {own[0].partition('=')[0]} itself: leave it out of the command.")
    return words


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadChoice(f"The command cannot be read ({error}): close each quote. Received: {text}") from error


def _check(option: str, value: str, pattern: re.Pattern[str], form: str) -> str:
    if not pattern.fullmatch(value):
        raise BadChoice(f"{option} must consist of {form}. Received: {value}")
    return value


def _require_time_before_signal(time: str, save_seconds: int) -> None:
    """Check that the command runs before it is asked to save, because SLURM sends an early signal at once."""
    if 0 < _count_seconds(time) <= save_seconds:
        raise BadChoice(
            f"--time must be longer than --save-seconds, {save_seconds} seconds, at which the command ends. "
            f"Received: {time}"
        )


def _count_seconds(time: str) -> int:
    """Return the seconds of a time of SLURM: minutes, MM:SS, HH:MM:SS, or days and hours, HH:MM or HH:MM:SS."""
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    hours, minutes, seconds = [*parts, 0, 0][:3] if dash or len(parts) == 3 else [0, *parts, 0][:3]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _read_lines(option: str, lines: Iterable[str]) -> list[str]:
    read = list(lines)
    if wrong := [line for line in read if "\n" in line]:
        raise BadChoice(f"Each {option} must be one line: repeat the option. Received: {wrong[0]!r}")
    return read


def _read_directives(options: Iterable[str]) -> list[str]:
    read = _read_lines("--sbatch", options)
    if wrong := [option for option in read if not option.startswith("-")]:
        raise BadChoice(f"Each --sbatch must be an option of sbatch, which begins with a dash. Received: {wrong[0]}")
    return read


def _build_default_setup() -> str:
    """Return the line that makes the commands of this Python available, which the nodes find at the same path."""
    return f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
