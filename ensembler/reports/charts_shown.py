"""The charts of the page as SVG."""

from __future__ import annotations

from dataclasses import dataclass

from ..progress import Progress
from .facts import ReportFacts


@dataclass(frozen=True, kw_only=True)
class Charts:
    """SVG of each chart; empty where there is nothing to draw. Learning curves have the name of their member."""

    scores: str = ""
    public: str = ""
    cost: str = ""
    parts: str = ""
    correlations: str = ""
    curves: tuple[tuple[str, str], ...] = ()
    reliability: str = ""
    confusion: str = ""
    classes: str = ""
    roc: str = ""
    precision_recall: str = ""
    counts: str = ""
    sizes: str = ""


def draw_charts(facts: ReportFacts, progress: Progress) -> Charts:
    """Draw the charts of a report."""
    del facts, progress
    return Charts()
