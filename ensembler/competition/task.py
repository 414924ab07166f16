"""Kinds of tasks, submissions and sources of labels."""

from __future__ import annotations

from typing import Literal

Task = Literal["binary", "multiclass", "multilabel"]
AnswerKind = Literal["probabilities", "label", "tags", "flag"]
LabelSource = Literal["names", "folders", "csv", "rotations"]
