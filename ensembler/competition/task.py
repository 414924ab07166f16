"""The kinds of task, of answer and of label that a competition can have."""

from __future__ import annotations

from typing import Literal

Task = Literal["binary", "multiclass", "multilabel"]
AnswerKind = Literal["probabilities", "label", "tags", "flag"]
LabelSource = Literal["names", "folders", "csv"]
