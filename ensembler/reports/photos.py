"""Choice of the photos that the page shows: the largest losses, and the most uncertain ones to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..competition.tables import Tables
from .outcome_facts import PhotoFacts, Said
from .outcomes import BLOCK_CELLS, Outcomes, Rows
from .quality import TAG_THRESHOLD

# Number of photos of each kind.
LARGEST, UNCERTAIN = 24, 12
# Most tags in a caption.
_MOST_TAGS = 4

Floats = NDArray[np.floating[Any]]


def select_largest_losses(losses: Floats, count: int = LARGEST) -> Rows:
    """Return the places of the largest losses, the largest first."""
    return _select_largest(losses, count)


def select_uncertain(outcomes: Outcomes, count: int = UNCERTAIN) -> tuple[Rows, Floats]:
    """Return the places of the most uncertain test photos, the most uncertain first, and the uncertainty of all."""
    step = max(1, BLOCK_CELLS // max(1, len(outcomes.manifest.outputs)))
    parts = [
        measure_uncertainty(np.asarray(outcomes.test[start : start + step]), exclusive=outcomes.manifest.sums_to_one)
        for start in range(0, len(outcomes.test), step)
    ]
    uncertainty = np.concatenate(parts) if parts else np.zeros(0)
    return _select_largest(uncertainty, count), uncertainty


def _select_largest(values: Floats, count: int) -> Rows:
    finite = np.where(np.isfinite(values), values, -np.inf)
    count = min(count, len(finite))
    chosen = np.argpartition(-finite, count - 1)[:count] if count else np.zeros(0, np.int64)
    return np.asarray(chosen[np.lexsort((chosen, -finite[chosen]))], np.int64)


def measure_uncertainty(probabilities: Floats, *, exclusive: bool) -> Floats:
    """Return the entropy of each row as a share of the largest possible, from 0 to 1 (Shannon, 1948).

    Parameters
    ----------
    probabilities
        Probabilities of shape (rows, outputs).
    exclusive
        Whether each row sums to 1. Otherwise the entropies of the outputs are averaged.
    """
    p = np.clip(probabilities.astype(np.float64), 1e-15, 1 - 1e-15)
    if exclusive:
        return np.asarray(-(p * np.log(p)).sum(axis=1) / np.log(max(2, p.shape[1])))
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log1p(-p)).mean(axis=1) / np.log(2))


def describe_labelled(outcomes: Outcomes, tables: Tables, places: Rows, losses: Floats) -> list[PhotoFacts]:
    """Describe labelled photos at ``places`` of the outcomes."""
    photos = tables.train.iloc[outcomes.rows[places]]
    probabilities = np.asarray(outcomes.probabilities[places], np.float64)
    found = _describe(outcomes, photos, probabilities)
    true = _pick_true(outcomes, places, probabilities)
    return [
        replace(one, label=label, probability=round(float(p), 6), loss=round(float(loss), 6))
        for one, label, p, loss in zip(found, photos["label"], true, losses[places], strict=True)
    ]


def describe_unlabelled(outcomes: Outcomes, tables: Tables, places: Rows) -> list[PhotoFacts]:
    """Describe test photos at ``places`` of the outcomes."""
    photos = tables.test.iloc[outcomes.test_rows[places]]
    return _describe(outcomes, photos, np.asarray(outcomes.test[places], np.float64))


def _describe(outcomes: Outcomes, photos: pd.DataFrame, probabilities: Floats) -> list[PhotoFacts]:
    uncertainty = measure_uncertainty(probabilities, exclusive=outcomes.manifest.sums_to_one)
    turns = photos["rotation"].astype(int).tolist() if "rotation" in photos else [0] * len(photos)
    choices = [name_choice(outcomes, row) for row in probabilities]
    return [
        PhotoFacts(
            id=identity,
            path=path,
            rotation=turn,
            label="",
            choice=choice,
            probability=round(probability, 6),
            loss=None,
            uncertainty=round(float(doubt), 6),
        )
        for identity, path, turn, (choice, probability), doubt in zip(
            photos["id"], photos["path"], turns, choices, uncertainty, strict=True
        )
    ]


def name_choice(outcomes: Outcomes, row: Floats) -> tuple[str, float]:
    """Return the most probable class of a row with its probability, or its tags with their least probability."""
    manifest = outcomes.manifest
    if manifest.task == "binary":
        positive = float(row[0])
        return (manifest.classes[1], positive) if positive > 0.5 else (manifest.classes[0], 1 - positive)
    if outcomes.is_exclusive:
        best = int(row.argmax())
        return manifest.classes[best], float(row[best])
    chosen = [number for number in np.argsort(-row, kind="stable").tolist() if row[number] > TAG_THRESHOLD]
    if not chosen:
        return "no label", float(1 - row.max(initial=0.0))
    more = f" and {len(chosen) - _MOST_TAGS} more" if len(chosen) > _MOST_TAGS else ""
    return ", ".join(manifest.outputs[one] for one in chosen[:_MOST_TAGS]) + more, float(row[chosen].min())


def _pick_true(outcomes: Outcomes, places: Rows, probabilities: Floats) -> Floats:
    """Return the probability of the true class of each row; of several labels the geometric mean over the cells."""
    targets = outcomes.encode_targets(places)
    if outcomes.is_exclusive and outcomes.manifest.task != "binary":
        return np.asarray((targets * probabilities).sum(axis=1))
    cells = np.where(targets > 0.5, probabilities, 1 - probabilities)
    return np.asarray(np.exp(np.log(np.clip(cells, 1e-15, 1)).mean(axis=1)))


def add_member(
    photos: Sequence[PhotoFacts], outcomes: Outcomes, member: str, probabilities: Floats, places: Rows | None
) -> list[PhotoFacts]:
    """Return photos with what a member said of them.

    Parameters
    ----------
    probabilities
        The member's probabilities of these photos, shape (photos, outputs).
    places
        Places of labelled photos in the outcomes. None for photos to predict, of which the choice is explained.
    """
    choices = [name_choice(outcomes, row) for row in probabilities]
    asked: Sequence[float]
    if places is None:
        asked = [_ask(outcomes, photo.choice, row) for photo, row in zip(photos, probabilities, strict=True)]
    else:
        asked = _pick_true(outcomes, places, np.asarray(probabilities, np.float64)).tolist()
    return [
        replace(
            photo,
            said=(
                *photo.said,
                Said(member=member, probability=round(float(p), 6), choice=choice, choice_probability=round(with_p, 6)),
            ),
        )
        for photo, p, (choice, with_p) in zip(photos, asked, choices, strict=True)
    ]


def _ask(outcomes: Outcomes, choice: str, row: Floats) -> float:
    manifest = outcomes.manifest
    if manifest.task == "binary":
        return float(row[0] if choice == manifest.classes[1] else 1 - row[0])
    return float(row[manifest.outputs.index(choice)]) if choice in manifest.outputs else float(row.max(initial=0.0))
