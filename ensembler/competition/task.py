"""Kinds of tasks, submissions and sources of labels."""

from __future__ import annotations

from typing import Literal

Task = Literal["binary", "multiclass", "multilabel"]
AnswerKind = Literal["probabilities", "label", "tags", "flag"]
# Degrees counter-clockwise by which an upright photo is rotated: the classes of an orientation task, in their order.
ROTATIONS = ("0", "90", "180", "270")

LabelSource = Literal["names", "folders", "csv", "rotations"]
