"""The metrics that competitions are judged by, under one name each, and the two that are shown for all."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import BadChoice

if TYPE_CHECKING:
    from ..task import AnswerKind, Task

# Kaggle clips predictions here before it takes the logarithm.
EPSILON = 1e-15


@dataclass(frozen=True)
class Metric:
    """How a competition judges an answer.

    Attributes
    ----------
    name
        As a manifest has it.
    tasks
        Those that it can judge.
    larger_is_better
        False for losses.
    takes_labels
        Whether it judges classes or tags rather than probabilities.
    beta
        How many times as much recall matters as precision, of an F score.
    """

    name: str
    tasks: tuple[Task, ...]
    larger_is_better: bool = True
    takes_labels: bool = False
    beta: float = 1.0

    def for_task(self, task: Task) -> Metric:
        """Return what Kaggle's name means in a task: the AUC of several columns is their mean, and so on."""
        return METRICS[_BY_TASK[task].get(self.name, self.name)]

    def cost(self, score: float) -> float:
        """Turn a score so that less is better; one that could not be computed costs infinitely much."""
        if math.isnan(score):
            return math.inf
        return -score if self.larger_is_better else score


_EVERY: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
_ONE_CLASS: tuple[Task, ...] = ("binary", "multiclass")
_COLUMNS: tuple[Task, ...] = ("multiclass", "multilabel")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("log loss", _ONE_CLASS, larger_is_better=False),
        Metric("mean column-wise log loss", _COLUMNS, larger_is_better=False),
        Metric("accuracy", _EVERY, takes_labels=True),
        Metric("roc auc", ("binary",)),
        Metric("mean column-wise roc auc", _COLUMNS),
        Metric("f1", ("binary",), takes_labels=True),
        Metric("macro f1", _EVERY, takes_labels=True),
        Metric("micro f1", _EVERY, takes_labels=True),
        Metric("sample f1", ("multilabel",), takes_labels=True),
        Metric("sample f2", ("multilabel",), takes_labels=True, beta=2.0),
        Metric("quadratic weighted kappa", _ONE_CLASS, takes_labels=True),
    )
}

# Kaggle takes the F score of each row and averages: of one class a row, that is the share of rows that are right.
_ONE_CLASS_A_ROW = {"sample f1": "micro f1", "sample f2": "micro f1"}
_BY_TASK: dict[Task, dict[str, str]] = {
    "binary": {
        **_ONE_CLASS_A_ROW,
        "mean column-wise log loss": "log loss",
        "mean column-wise roc auc": "roc auc",
    },
    "multiclass": {**_ONE_CLASS_A_ROW, "roc auc": "mean column-wise roc auc", "f1": "macro f1"},
    "multilabel": {
        "log loss": "mean column-wise log loss",
        "roc auc": "mean column-wise roc auc",
        "f1": "sample f1",
    },
}

# What Kaggle calls them, in its pages and in its programs; compared without case, blanks, punctuation and "score".
_SPELLINGS = {
    "log loss": (
        "logarithmic loss",
        "binary log loss",
        "multi class log loss",
        "multi class logarithmic loss",
        "multi class loss",
        "cross entropy",
        "binary cross entropy",
        "categorical cross entropy",
    ),
    "mean column-wise log loss": ("mean column-wise logarithmic loss", "column-wise log loss", "MCLogLoss"),
    "accuracy": ("categorization accuracy", "classification accuracy", "multi class accuracy"),
    "roc auc": (
        "AUC",
        "AUC ROC",
        "AUROC",
        "area under receiver operating characteristic curve",
        "area under the receiver operating characteristic curve",
        "area under ROC",
        "area under ROC curve",
        "area under the ROC curve",
    ),
    "mean column-wise roc auc": (
        "MCAUC",
        "mean column-wise AUC",
        "mean column-wise area under receiver operating characteristic curve",
        "mean column-wise area under the receiver operating characteristic curve",
        "mean column-wise area under the ROC curve",
        "column-wise ROC AUC",
        "column-wise AUC",
        "mean ROC AUC",
        "mean AUC",
        "macro AUC",
        "macro ROC AUC",
    ),
    "f1": ("F", "binary f1"),
    "macro f1": ("macro F", "F macro", "macro averaged f1", "f1 macro", "mean macro f1"),
    "micro f1": ("micro F", "F micro", "micro averaged f1", "f1 micro"),
    "sample f1": ("mean F", "mean f1", "mean F beta 1", "F beta 1", "samples f1", "sample F"),
    # Kaggle's name leaves beta open; its competitions of tags, on the Amazon and on museum pieces, took 2.
    "sample f2": ("f2", "mean f2", "samples f2", "F beta", "mean F beta", "mean F beta 2", "F beta 2"),
    "quadratic weighted kappa": ("QWK", "quadratic kappa", "quadratically weighted kappa"),
}


def _plain(text: str) -> str:
    """``Mean F-Score (Beta)`` as ``meanfbeta``."""
    return re.sub(r"[^a-z0-9]", "", text.lower()).replace("score", "")


_BY_SPELLING = {_plain(text): name for name, texts in _SPELLINGS.items() for text in (name, *texts)}


def metric_named(text: str) -> Metric | None:
    """Return the metric of our name or of one of Kaggle's; None if it is none of ours.

    Some names mean different things in different tasks: ask the result :meth:`Metric.for_task`.
    """
    name = _BY_SPELLING.get(_plain(text))
    return METRICS[name] if name else None


def metric_for(text: str, task: Task) -> Metric:
    """Return the metric that a name means in a task.

    Raises
    ------
    BadChoice
        If the name is unknown, or the metric cannot judge such a task.
    """
    fitting = [metric.name for metric in METRICS.values() if task in metric.tasks]
    named = metric_named(text)
    if named is None:
        raise BadChoice.unknown("metric", text, fitting)
    metric = named.for_task(task)
    if task not in metric.tasks:
        raise BadChoice(f"The metric {metric.name!r} cannot judge a {task} task: choose one of {', '.join(fitting)}.")
    return metric


def default_metric(task: Task, kind: AnswerKind) -> Metric:
    """Return what judges an answer as long as nobody says."""
    if kind == "probabilities":
        return METRICS["log loss"].for_task(task)
    return METRICS["sample f1" if task == "multilabel" else "accuracy"]


def metric_of_labels(metric: Metric, task: Task) -> Metric:
    """Return the metric itself if it takes labels, else one that does, for answers that hold labels all the same."""
    return metric if metric.takes_labels else default_metric(task, "tags" if task == "multilabel" else "label")


def row_losses(targets: ArrayLike, probabilities: ArrayLike, *, exclusive: bool) -> NDArray[np.float64]:
    """Log loss of each row, in nats.

    Parameters
    ----------
    targets, probabilities
        Arrays of shape (rows, outputs); targets are 0 or 1.
    exclusive
        True for softmax tasks, where the loss is that of the true class; False averages the binary losses over the
        outputs, which is the plain log loss for one output and the mean column-wise log loss for several labels.
    """
    truth = np.asarray(targets, dtype=np.float64)
    guess = np.clip(np.asarray(probabilities, dtype=np.float64), EPSILON, 1 - EPSILON)
    if exclusive:
        return np.asarray(-(truth * np.log(guess)).sum(axis=1))
    return np.asarray(-(truth * np.log(guess) + (1 - truth) * np.log1p(-guess)).mean(axis=1))


def log_loss(targets: ArrayLike, probabilities: ArrayLike, *, exclusive: bool) -> float:
    """Mean of :func:`row_losses`."""
    return float(row_losses(targets, probabilities, exclusive=exclusive).mean())


def accuracy(targets: ArrayLike, probabilities: ArrayLike, *, exclusive: bool) -> float:
    """Share of rows (softmax) or of cells (sigmoid, threshold 0.5) that are right, from 0 to 1."""
    truth, guess = np.asarray(targets), np.asarray(probabilities)
    if exclusive:
        return float((truth.argmax(axis=1) == guess.argmax(axis=1)).mean())
    return float(((truth > 0.5) == (guess > 0.5)).mean())
