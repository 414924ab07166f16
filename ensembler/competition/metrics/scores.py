"""What is told of probabilities that were scored. Apart from the scoring, which loads NumPy and pandas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What is told of probabilities: the competition's metric and log loss, with standard errors, and accuracy."""

    metric: str
    score: float
    standard_error: float
    log_loss: float
    log_loss_error: float
    accuracy: float
