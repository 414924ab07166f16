"""The metrics of competitions, and the log loss and accuracy that are reported for all of them."""

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
    """A metric of submissions.

    ``tasks`` are the tasks that it supports. With ``takes_labels`` it scores classes or tags rather than probabilities.
    ``beta`` is the weight of recall relative to precision in an F score.
    """

    name: str
    tasks: tuple[Task, ...]
    larger_is_better: bool = True
    takes_labels: bool = False
    beta: float = 1.0

    def resolve_for_task(self, task: Task) -> Metric:
        """Return the metric that Kaggle's name means in a task; the AUC of several columns is their mean."""
        return METRICS[_NAMES_BY_TASK[task].get(self.name, self.name)]

    def compute_cost(self, score: float) -> float:
        """Return a score as a cost: smaller is better, and NaN is infinite."""
        if math.isnan(score):
            return math.inf
        return -score if self.larger_is_better else score


_ALL_TASKS: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
_SINGLE_LABEL_TASKS: tuple[Task, ...] = ("binary", "multiclass")
_MULTI_COLUMN_TASKS: tuple[Task, ...] = ("multiclass", "multilabel")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("log loss", _SINGLE_LABEL_TASKS, larger_is_better=False),
        Metric("mean column-wise log loss", _MULTI_COLUMN_TASKS, larger_is_better=False),
        Metric("accuracy", _ALL_TASKS, takes_labels=True),
        Metric("roc auc", ("binary",)),
        Metric("mean column-wise roc auc", _MULTI_COLUMN_TASKS),
        Metric("f1", ("binary",), takes_labels=True),
        Metric("macro f1", _ALL_TASKS, takes_labels=True),
        Metric("micro f1", _ALL_TASKS, takes_labels=True),
        Metric("sample f1", ("multilabel",), takes_labels=True),
        Metric("sample f2", ("multilabel",), takes_labels=True, beta=2.0),
        Metric("quadratic weighted kappa", _SINGLE_LABEL_TASKS, takes_labels=True),
    )
}

# Kaggle averages the F scores of rows. For one class per row, that is the share of correct rows.
_SINGLE_LABEL_NAMES = {"sample f1": "micro f1", "sample f2": "micro f1"}
_NAMES_BY_TASK: dict[Task, dict[str, str]] = {
    "binary": {
        **_SINGLE_LABEL_NAMES,
        "mean column-wise log loss": "log loss",
        "mean column-wise roc auc": "roc auc",
    },
    "multiclass": {**_SINGLE_LABEL_NAMES, "roc auc": "mean column-wise roc auc", "f1": "macro f1"},
    "multilabel": {
        "log loss": "mean column-wise log loss",
        "roc auc": "mean column-wise roc auc",
        "f1": "sample f1",
    },
}

# Kaggle's names in its pages and programs, compared without case, blanks, punctuation and "score".
_SPELLINGS = {
    "log loss": "logarithmic loss, binary log loss, multi class log loss, multi class logarithmic loss, "
    "multi class loss, cross entropy, binary cross entropy, categorical cross entropy",
    "mean column-wise log loss": "mean column-wise logarithmic loss, column-wise log loss, MCLogLoss",
    "accuracy": "categorization accuracy, classification accuracy, multi class accuracy",
    "roc auc": "AUC, AUC ROC, AUROC, area under receiver operating characteristic curve, "
    "area under the receiver operating characteristic curve, area under ROC, area under ROC curve, "
    "area under the ROC curve",
    "mean column-wise roc auc": "MCAUC, mean column-wise AUC, column-wise ROC AUC, column-wise AUC, mean ROC AUC, "
    "mean column-wise area under receiver operating characteristic curve, mean AUC, macro AUC, macro ROC AUC, "
    "mean column-wise area under the receiver operating characteristic curve, "
    "mean column-wise area under the ROC curve",
    "f1": "F, binary f1",
    "macro f1": "macro F, F macro, macro averaged f1, f1 macro, mean macro f1",
    "micro f1": "micro F, F micro, micro averaged f1, f1 micro",
    "sample f1": "mean F, mean f1, mean F beta 1, F beta 1, samples f1, sample F",
    # Kaggle's name does not state beta; its competitions of tags, on the Amazon and on museum pieces, used 2.
    "sample f2": "f2, mean f2, samples f2, F beta, mean F beta, mean F beta 2, F beta 2",
    "quadratic weighted kappa": "QWK, quadratic kappa, quadratically weighted kappa",
}


def _normalise_name(text: str) -> str:
    """Return ``meanfbeta`` for ``Mean F-Score (Beta)``."""
    return re.sub(r"[^a-z0-9]", "", text.lower()).replace("score", "")


_NAMES_BY_SPELLING = {
    _normalise_name(text): name for name, texts in _SPELLINGS.items() for text in (name, *texts.split(", "))
}


def find_metric(text: str) -> Metric | None:
    """Return the metric with this name here or on Kaggle; None for unknown names.

    Some names depend on the task: see :meth:`Metric.resolve_for_task`.
    """
    name = _NAMES_BY_SPELLING.get(_normalise_name(text))
    return METRICS[name] if name else None


def resolve_metric(text: str, task: Task) -> Metric:
    """Return the metric that a name means in a task.

    Raises
    ------
    BadChoice
        If the name is unknown, or the metric does not support the task.
    """
    fitting = [metric.name for metric in METRICS.values() if task in metric.tasks]
    metric_found = find_metric(text)
    if metric_found is None:
        raise BadChoice.from_unknown_name("metric", text, fitting)
    metric = metric_found.resolve_for_task(task)
    if task not in metric.tasks:
        raise BadChoice(
            f"The metric {metric.name!r} does not support a {task} task: choose one of {', '.join(fitting)}."
        )
    return metric


def choose_default_metric(task: Task, kind: AnswerKind) -> Metric:
    """Return the metric for competitions whose metric is unknown."""
    if kind == "probabilities":
        return METRICS["log loss"].resolve_for_task(task)
    return METRICS["sample f1" if task == "multilabel" else "accuracy"]


def choose_label_metric(metric: Metric, task: Task) -> Metric:
    """Return the metric if it scores labels, else one that does, for submissions that contain labels nonetheless."""
    return metric if metric.takes_labels else choose_default_metric(task, "tags" if task == "multilabel" else "label")


def compute_row_losses(targets: ArrayLike, probabilities: ArrayLike, *, multiclass: bool) -> NDArray[np.float64]:
    """Return the log loss of each row, in nats.

    Parameters
    ----------
    targets, probabilities
        Arrays of shape (rows, outputs). Targets are 0 or 1.
    multiclass
        Whether the outputs are a softmax, whose loss is that of the true class. False averages the binary losses of the
        outputs, which is the log loss for one output and the mean column-wise log loss for several.
    """
    truth = np.asarray(targets, dtype=np.float64)
    guess = np.clip(np.asarray(probabilities, dtype=np.float64), EPSILON, 1 - EPSILON)
    if multiclass:
        return np.asarray(-(truth * np.log(guess)).sum(axis=1))
    return np.asarray(-(truth * np.log(guess) + (1 - truth) * np.log1p(-guess)).mean(axis=1))


def log_loss(targets: ArrayLike, probabilities: ArrayLike, *, multiclass: bool) -> float:
    """Return the mean of :func:`compute_row_losses`."""
    return float(compute_row_losses(targets, probabilities, multiclass=multiclass).mean())


def accuracy(targets: ArrayLike, probabilities: ArrayLike, *, multiclass: bool) -> float:
    """Return the share of correct rows (softmax) or cells (sigmoid, threshold 0.5), from 0 to 1."""
    truth, guess = np.asarray(targets), np.asarray(probabilities)
    if multiclass:
        return float((truth.argmax(axis=1) == guess.argmax(axis=1)).mean())
    return float(((truth > 0.5) == (guess > 0.5)).mean())
