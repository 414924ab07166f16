"""Corrections of labels in the settings and folder of a member. This module loads no heavy library."""

from __future__ import annotations

from dataclasses import dataclass

# File in the folder of a member, and of a stack.
CORRECTIONS_FILE = "corrections.csv"


@dataclass(frozen=True)
class LabelCorrections:
    """Corrections of a member's training data, a part of its settings.

    Attributes
    ----------
    excluded, relabelled
        Numbers of photos that are not learned from, and of those with another label.
    fingerprint
        Hash of their ids and labels.
    """

    excluded: int
    relabelled: int
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.excluded} excluded, {self.relabelled} relabelled (content {self.fingerprint})"
