"""Results of benchmarks as lines of JSON in a file, and their comparison by seed in a Markdown table."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ensembler.storage import write_text

# Result of one run, with at least key, ingredient, seed, log_loss and seconds.
Line = dict[str, Any]


class Results:
    """Results in a file, by their keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = map(json.loads, path.read_text("utf-8").splitlines()) if path.is_file() else ()
        self.by_key: dict[str, Line] = {line["key"]: line for line in lines}

    def append(self, line: Line) -> None:
        """Store a result. The file is written atomically."""
        self.by_key[line["key"]] = line
        write_text(self.path, "".join(json.dumps(kept) + "\n" for kept in self.by_key.values()))


def table(lines: Sequence[Line], ingredients: Iterable[str], base: str) -> str:
    """Return a Markdown table with one row per ingredient, compared with ``base`` by seed."""
    rows = [
        "| ingredient | held-out log loss | difference to the base | seeds | seconds |",
        "|---|---:|---:|---:|---:|",
    ]
    of_base = scores_of(lines, base)
    for ingredient in ingredients:
        scores = scores_of(lines, ingredient)
        if not scores:
            continue
        losses = list(scores.values())
        differences = [score - of_base[seed] for seed, score in scores.items() if seed in of_base]
        seconds = statistics.mean(line["seconds"] for line in lines if line["ingredient"] == ingredient)
        against = "base" if ingredient == base else signed(differences)
        rows.append(f"| {ingredient} | {statistics.mean(losses):.4f} | {against} | {len(scores)} | {seconds:.0f} |")
    return "\n".join(rows)


def scores_of(lines: Sequence[Line], ingredient: str) -> dict[int, float]:
    return {line["seed"]: line["log_loss"] for line in lines if line["ingredient"] == ingredient}


def signed(differences: Sequence[float]) -> str:
    """Format the mean of paired differences and its standard error over seeds. Negative ones are improvements."""
    if not differences:
        return ""
    mean = f"{statistics.mean(differences):+.4f}"
    if len(differences) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(differences) / len(differences) ** 0.5:.4f}"
