"""A job: the name of a function, and its argument as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """Work for a separate process.

    Attributes
    ----------
    name
        Name in displays, and name of the log.
    function
        ``module:function``, which accepts ``spec`` and a :class:`~ensembler.progress.Progress` and returns a value that
        JSON can represent.
    spec
        Description of the work that JSON can represent.
    member, folds
        Member and folds that the job trains, for displays.
    work
        Amount of work, see :mod:`ensembler.members.work`. 0 if unknown.
    shares_process
        Whether the process may run another job afterwards, which saves its start. False if libraries keep much memory.
    """

    name: str
    function: str
    spec: dict[str, Any]
    member: str = ""
    folds: tuple[int, ...] = ()
    work: float = 0.0
    shares_process: bool = False

    def to_line(self, log: Path) -> str:
        """Return the job and the path of its log as one line of JSON."""
        return json.dumps({"job": asdict(self), "log": str(log)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> tuple[Job, Path]:
        """Read a job and the path of its log from one line of JSON."""
        data = json.loads(line)
        return cls(**data["job"]), Path(data["log"])
