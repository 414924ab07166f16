"""A job: a function found by name and a description that JSON can hold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """Work for a process of its own.

    Attributes
    ----------
    name
        What a person sees, and the name of its log.
    function
        ``module:function`` that takes the description and a :class:`~ensembler.progress.Progress` and returns
        something that JSON can hold.
    spec
        The description.
    member, folds
        What it trains, for displays.
    work
        How much that is, as :mod:`ensembler.members.work` counts it; 0 if nobody knows.
    shares_process
        Whether its process may take another job afterwards, which saves the start; not where libraries hold on to
        much memory.
    """

    name: str
    function: str
    spec: dict[str, Any]
    member: str = ""
    folds: tuple[int, ...] = ()
    work: float = 0.0
    shares_process: bool = False

    def to_line(self, log: Path) -> str:
        """Write it as one line of JSON, with the file for what its process prints."""
        return json.dumps({"job": asdict(self), "log": str(log)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> tuple[Job, Path]:
        """Read it, and the file of what is printed, from one line of JSON."""
        data = json.loads(line)
        return cls(**data["job"]), Path(data["log"])
