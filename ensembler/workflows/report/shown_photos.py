"""The fourth section: photos with what each member said of them and what networks look at, and their thumbnails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.tables import Tables
from ...errors import EnsemblerError, Interrupted, UnreadablePhoto
from ...explanations.explanation import Explanation
from ...explanations.overlays import draw_overlay
from ...images.thumbnails import Picture, fit_pictures, make_thumbnail
from ...options.declared import EngineOptions
from ...reports.outcome_facts import PhotoFacts, PhotosFacts
from ...reports.outcomes import Outcomes, Rows, read_member
from ...reports.photos import (
    add_member,
    describe_labelled,
    describe_unlabelled,
    select_largest_losses,
    select_uncertain,
)
from ...reports.quality import round_finite
from ...reports.stack_file import StackFile
from ..engine import open_engine
from ..explain import explain_training_rows
from .sources import Sources

# Number of the largest losses of which it is shown what networks look at, and most members of a stack that is asked.
EXPLAINED, MOST_MEMBERS = 12, 20
# Longest side of a picture in pixels, and most characters of all.
SIZE, MOST_CHARACTERS = 320, 2_400_000


@dataclass(frozen=True, eq=False)
class ShownPhotos:
    """The facts of the section, and its pictures as ``data:`` addresses by place, such as ``largest-0``."""

    facts: PhotosFacts
    pictures: Mapping[str, str]


def describe_photos(
    sources: Sources,
    tables: Tables,
    outcomes: Outcomes,
    stack: StackFile | None,
    losses: NDArray[np.floating[Any]],
    *,
    explain: bool,
) -> ShownPhotos:
    """Choose and describe photos.

    Parameters
    ----------
    stack
        Record of the stack that made the outcomes. None for the best member.
    losses
        Log loss of each predicted row.
    explain
        Whether to compute what networks look at.
    """
    largest, (uncertain, _) = select_largest_losses(losses), select_uncertain(outcomes)
    labelled = describe_labelled(outcomes, tables, largest, losses)
    unlabelled = describe_unlabelled(outcomes, tables, uncertain)
    names = [member.name for member in stack.members] if stack else list(sources.records)
    progress = sources.troubles
    for name in progress.track(names, "reading what members said of photos", len(names)):
        said = _read_member(sources, tables, name, outcomes.rows[largest], outcomes.test_rows[uncertain])
        if said is not None:
            labelled = add_member(labelled, outcomes, name, said[0], largest)
            unlabelled = add_member(unlabelled, outcomes, name, said[1], None)
    rows = outcomes.rows[largest][:EXPLAINED]
    gap = _LEFT_OUT if not explain else _explain_limit(len(names)) if len(names) > MOST_MEMBERS else ""
    found, gap = ({}, gap) if gap else _explain_rows(sources, tables, stack, rows)
    labelled = [_add_map(photo, found.get(number)) for number, photo in enumerate(labelled)]
    total = float(losses.sum())
    facts = PhotosFacts(
        largest=tuple(labelled),
        uncertain=tuple(unlabelled),
        total_loss_share=round_finite(float(losses[largest].sum()) / total, 4) if total > 0 else None,
        explained=len(rows) if found else 0,
        explanation_gap=gap,
    )
    return ShownPhotos(facts, _make_pictures(sources, tables, facts, found))


_LEFT_OUT = "What the networks look at was left out by `--no-explain`."
_Said = tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]


def _explain_limit(members: int) -> str:
    return (
        f"What the networks look at is left out: the networks of {members} members take too long to load (at most "
        f"{MOST_MEMBERS}). `ensembler explain PHOTO` shows it for single photos."
    )


def _read_member(sources: Sources, tables: Tables, name: str, rows: Rows, test_rows: Rows) -> _Said | None:
    folds, record = sources.folds, sources.records.get(name)
    if folds is None or record is None:
        return None
    return sources.troubles.attempt(lambda: read_member(sources.folder, tables, folds, record, rows, test_rows), None)


def _explain_rows(
    sources: Sources, tables: Tables, stack: StackFile | None, rows: Rows
) -> tuple[dict[int, Explanation], str]:
    """Return what networks look at, by the place of the row, and the reason if that cannot be computed."""
    best = sources.find_best_member()
    members = [] if stack or best is None else [best.name]
    try:
        with open_engine(EngineOptions(), sources.troubles) as engine:
            found = explain_training_rows(
                sources.folder,
                tables,
                [int(row) for row in rows],
                engine=engine,
                stack=stack.name if stack else None,
                members=members,
                progress=sources.troubles,
            )
    except Interrupted:
        raise
    except EnsemblerError as error:
        return {}, f"What the networks look at is not known. {error}"
    return _match_rows(tables, rows, found), ""


def _match_rows(tables: Tables, rows: Rows, found: Sequence[Explanation]) -> dict[int, Explanation]:
    """Return explanations by the place of their row. Rows whose photos cannot be decoded have none."""
    photos = tables.train.iloc[rows]
    turns = (photos["rotation"].astype(int) // 90).tolist() if "rotation" in photos else [0] * len(photos)
    places = {key: place for place, key in enumerate(zip(photos["id"], turns, strict=True))}
    known = ((places.get((one.id, one.turns % 4)), one) for one in found)
    return {place: one for place, one in known if place is not None}


def _add_map(photo: PhotoFacts, found: Explanation | None) -> PhotoFacts:
    if found is None:
        return photo
    looked_at = {
        "class_name": found.class_name,
        "probability": round(found.probability, 6),
        "region": found.region if found.heat.any() else "",
        "half_area": round(found.half_area, 4),
        "members": [member.to_json() for member in found.members],
    }
    return replace(photo, looked_at=looked_at)


def _make_pictures(
    sources: Sources, tables: Tables, facts: PhotosFacts, found: Mapping[int, Explanation]
) -> dict[str, str]:
    wanted = {f"largest-{number}": photo for number, photo in enumerate(facts.largest)}
    wanted |= {f"uncertain-{number}": photo for number, photo in enumerate(facts.uncertain)}
    opened: dict[str, Picture] = {}
    for place, photo in sources.troubles.track(wanted.items(), "thumbnails", len(wanted)):
        try:
            opened[place] = _open_photo(tables, photo)
            if place.startswith("largest") and (one := found.get(int(place.split("-")[1]))):
                rule, path = tables.manifest.pixels, tables.photos / photo.path
                opened[f"map-{place.split('-')[1]}"] = draw_overlay(path, one.heat, rule, SIZE, one.turns)
        except UnreadablePhoto:
            continue
    return fit_pictures(opened, MOST_CHARACTERS)


def _open_photo(tables: Tables, photo: PhotoFacts) -> Picture:
    return make_thumbnail(tables.photos / photo.path, SIZE, tables.manifest.pixels, photo.rotation // 90)
