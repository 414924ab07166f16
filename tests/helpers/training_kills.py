"""Trainings that are killed: a process that trains members and tells what it does, and the ways to kill it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ensembler.paths import CompetitionFolder

# Whom a kill hits: the process that waits, whose jobs then end by themselves; a job; all at once, as a power cut does.
WAYS = ("parent", "job", "everybody")
_TRAIN = """
import json, sys
from pathlib import Path
from ensembler.events import TaskAdvanced, TaskBegan, Warned
from ensembler.progress import Progress
from ensembler.paths import Workspace
from ensembler.workflows.train.train import train_members

class Telling(Progress):
    def emit(self, event):
        match event:
            case TaskBegan():
                print(event.label, flush=True)
            case TaskAdvanced():
                print("step", flush=True)
            case Warned():
                print("Warning:", event.text, flush=True)

asked = json.loads(sys.argv[1])
root = Path(asked.pop("root"))
train_members(workspace=Workspace(root / "data", root / "submissions"), progress=Telling(), **asked)
print("done", flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes
    ----------
    events
        Stretches of work and steps that it told.
    stage
        The stretch of work in which it was killed; empty if it ended by itself.
    """

    events: int
    stage: str


def train(root: Path, options: dict[str, Any], killed_after: int | None = None, way: str = "parent") -> Ended:
    """Run ``train_members``; kill it at a random moment soon after so many events, if there are as many."""
    command = [sys.executable, "-c", _TRAIN, json.dumps({"root": str(root), **options})]
    events, stage, told = 0, "loading", ""
    with (
        (root / "errors.txt").open("a") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True) as run,
    ):
        assert run.stdout is not None
        for line in run.stdout:
            told = line.strip()
            if told.startswith("Warning"):
                raise AssertionError(told)
            events += 1
            stage = stage if told in ("step", "done") else told
            if events == killed_after and told != "done":
                time.sleep(random.uniform(0, 0.05))
                _kill(run.pid, way)
                break
        else:
            code = run.wait()
            assert (code, told) == (0, "done"), (root / "errors.txt").read_text()
            return Ended(events, "")
        rest = run.stdout.read()
    # Its last events may have been on their way when it was killed.
    return Ended(events, "" if rest.endswith("done\n") else stage)


def _kill(parent: int, way: str) -> None:
    with contextlib.suppress(ProcessLookupError):
        if way == "everybody":
            os.killpg(parent, signal.SIGKILL)
        elif way == "job" and (jobs := _children(parent)):
            os.kill(random.choice(jobs), signal.SIGKILL)
        else:
            os.kill(parent, signal.SIGKILL)


def _children(parent: int) -> list[int]:
    """Processes that any thread of a process has started."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(word) for children in lists for word in children.read_text().split()]


def train_through_kills(
    root: Path, options: dict[str, Any], most: int, on_kill: Callable[[str, str], bool], ways: tuple[str, ...] = WAYS
) -> None:
    """Start a training again and again until it ends by itself.

    Parameters
    ----------
    most
        Events that a run tells before it is killed at the latest.
    on_kill
        Hears of each kill its stage and its way; whether there are to be more.
    """
    more, number = True, 0
    while True:
        way = ways[number % len(ways)]
        ended = train(root, options, random.randint(1, max(2, most)) if more else None, way)
        if not ended.stage:
            return
        number += 1
        more = on_kill(ended.stage, way)


def furthest_apart(folder: CompetitionFolder, other: CompetitionFolder, members: list[str], folds: int) -> float:
    """Largest difference of all members' predictions, held-out and test."""
    largest = 0.0
    for member in members:
        for fold in range(folds):
            mine, theirs = (np.load(each.fold(member, fold) / "predictions.npz") for each in (folder, other))
            assert np.array_equal(mine["held_out_ids"], theirs["held_out_ids"])
            for name in ("held_out", "test"):
                largest = max(largest, float(np.abs(mine[name] - theirs[name]).max()))
    return largest


def left_over(folder: CompetitionFolder) -> list[str]:
    """Files that no finished training leaves."""
    names = (path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*"))
    return [name for name in names if ".writing-" in name or "checkpoint" in name or ".parts" in name]
