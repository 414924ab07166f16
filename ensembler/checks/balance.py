"""Balance of the classes: their numbers of photos, and those with too few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..competition.manifest import SEPARATOR
from ..errors import format_first
from .finding import Finding, Found
from .photos import MAX_EXAMPLES
from .result import Balance

# Ratio of the largest to the smallest class from which the classes are named imbalanced.
MANY_TIMES = 10


def measure_balance(labels: pd.Series, classes: Sequence[str]) -> Balance:
    """Count the training photos of each class or tag.

    Parameters
    ----------
    labels
        Label of each training photo. Several are separated by ``|``.
    classes
        All classes of the competition.
    """
    found = labels.str.split(SEPARATOR, regex=False).explode().value_counts()
    counts = {name: int(found.get(name, 0)) for name in classes}
    present = np.array([count for count in counts.values() if count], dtype=np.float64)
    if not len(present):
        return Balance(counts, 1.0, 0.0)
    shares = present / present.sum()
    effective = float(np.exp(-(shares * np.log(shares)).sum()))
    return Balance(counts, float(present.max() / present.min()), round(effective, 4))


def find_imbalance(balance: Balance, independent: dict[str, int], folds: int) -> Found:
    """Find classes with far fewer photos than others, and those with fewer than folds.

    Parameters
    ----------
    independent
        Number of groups and of photos without a group of each class. A group is in one fold as a whole.
    folds
        Number of folds.
    """
    largest = max(balance.counts.values(), default=0)
    order = sorted(balance.counts, key=lambda name: (balance.counts[name], name))
    small = [name for name in order if balance.counts[name] * MANY_TIMES <= largest]
    rare = [name for name in order if independent.get(name, 0) < folds]
    findings = []
    if small:
        summary = (
            f"The largest class has {largest:,} training photos, {balance.ratio:,.0f} times as many as the smallest "
            f"that has any. A tenth of it or less: {len(small)} of {len(order)} classes. The effective number of "
            f"classes is {balance.effective_classes:.1f}."
        )
        findings.append(_make("class imbalance", small, balance.counts, summary, "look at the scores of each class"))
    if rare:
        named = format_first([f"{name} ({independent.get(name, 0)})" for name in rare], MAX_EXAMPLES)
        summary = (
            f"Fewer independent photos than the {folds} folds: {len(rare)} of {len(order)} classes, so some folds hold "
            f"out or learn from none of {named}."
        )
        findings.append(_make("rare class", rare, balance.counts, summary, "add photos, or make fewer folds"))
    return Found(tuple(findings))


def count_independent(labels: pd.Series, groups: pd.Series) -> dict[str, int]:
    """Count the groups, and the photos without a group, of each class or tag."""
    units = groups.where(groups != "", "\0" + pd.Series(range(len(groups)), index=groups.index).astype(str))
    rows = pd.DataFrame({"label": labels.str.split(SEPARATOR, regex=False), "unit": units}).explode("label")
    return {str(name): int(count) for name, count in rows.groupby("label")["unit"].nunique().items()}


def _make(kind: str, names: Sequence[str], counts: dict[str, int], summary: str, advice: str) -> Finding:
    examples = tuple(f"{name} ({counts[name]})" for name in names[:MAX_EXAMPLES])
    return Finding(kind, "train", len(names), "class", examples, summary, advice)
