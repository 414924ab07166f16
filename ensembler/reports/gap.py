"""A gap of a section: what it lacks, and how that is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gap:
    """What a section lacks, and the command that makes it. The command may be empty."""

    reason: str
    command: str = ""
