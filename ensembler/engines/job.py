"""A job: a function found by name and a description that JSON can hold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
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
    told
        The description.
    member, folds
        What it trains, for displays.
    work
        How much that is, as :mod:`ensembler.members.work` counts it; 0 if nobody knows.
    """

    name: str
    function: str
    told: dict[str, Any]
    member: str = ""
    folds: tuple[int, ...] = ()
    work: float = 0.0

    def to_line(self) -> str:
        """Write it as one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Job:
        """Read it from one line of JSON."""
        return cls(**json.loads(line))
