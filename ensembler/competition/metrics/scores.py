"""Scores of probabilities, in a separate module because the scoring imports NumPy and pandas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Competition's metric and log loss of probabilities, with standard errors, and their accuracy."""

    metric: str
    score: float
    standard_error: float
    log_loss: float
    log_loss_error: float
    accuracy: float
