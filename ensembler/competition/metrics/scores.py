"""Scores of probabilities. It is a module of its own because the scoring loads NumPy and pandas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of probabilities: the competition's metric and log loss, with standard errors, and accuracy."""

    metric: str
    score: float
    standard_error: float
    log_loss: float
    log_loss_error: float
    accuracy: float
