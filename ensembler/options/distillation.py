"""Distillation in the settings and folders of a member. This module loads no heavy library."""

from __future__ import annotations

from dataclasses import dataclass

# File in the folder of each fold.
TEACHER_FILE = "teacher.npz"
# Options of a call of ``train_members`` that a call of ``distill`` does not take: the folds are those of the stack.
EXCLUDED_OPTIONS = ("folds", "repeats", "pseudo_labels", "confidence", "teacher", "time_budget")


@dataclass(frozen=True)
class Distillation:
    """Source of a member's soft targets, a part of its settings.

    Attributes
    ----------
    stack
        Name of the stack whose members are the teacher.
    temperature, weight
        Temperature, and share of the soft targets in the loss; see :class:`.SoftTargets`.
    fingerprint
        Hash of the teacher's predictions.
    """

    stack: str
    temperature: float
    weight: float
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.stack} at {self.temperature:g}, weight {self.weight:g} (predictions {self.fingerprint})"
