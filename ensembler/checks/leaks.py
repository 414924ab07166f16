"""Leaks: properties of files that tell the label without a look at the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..competition.folds.folds import FALLBACK_FOLDS
from ..competition.manifest import Manifest
from ..competition.metrics.standard_errors import assign_units
from ..competition.tables import encode_labels
from ..errors import format_count
from ..progress import SILENT, Progress
from .association import (
    LEAST_AREA,
    LEAST_PHOTOS,
    LEVEL,
    Flags,
    Property,
    Targets,
    deal_folds,
    format_area,
    measure_properties,
)
from .clues import list_file_clues, list_modified_clue, list_name_clues
from .finding import Finding, Found
from .photos import Photo
from .result import Clue

# Classes that are looked at, the most frequent ones. More classes would need stronger clues.
MAX_CLASSES = 50
TOGETHER = "all clues together"
_KIND = "leak"


def find_leaks(
    photos: Sequence[Photo], manifest: Manifest, progress: Progress = SILENT
) -> tuple[Found, tuple[Clue, ...]]:
    """Find properties of files that tell the label, and return how well each of them does.

    Parameters
    ----------
    photos
        Photos that can be decoded, training photos first, in the order of the tables.
    """
    if manifest.is_orientation:
        return Found(left_out=("Leaks were not looked for, because each photo is learned in all rotations.",)), ()
    trained = [photo for photo in photos if photo.set == "train"]
    tests = [photo for photo in photos if photo.set == "test"]
    targets = make_targets(trained, manifest)
    if targets is None:
        text = f"Leaks were not looked for, because no class has {LEAST_PHOTOS} training photos and as many without it."
        return Found(left_out=(text,)), ()
    dated = list_modified_clue(trained)
    named = list_name_clues(trained, manifest.train.labels, tests)
    properties = [*list_file_clues(trained), *dated, *named]
    if not properties:
        return Found(left_out=("Leaks were not looked for, because all files have the same size and form.",)), ()
    clues = measure_properties(_add_together(properties), targets, progress=progress)
    left_out = [*_explain_names(manifest), *([] if dated else [_DATES]), *_explain_classes(manifest, targets)]
    return Found(summarise_leaks(clues), left_out=tuple(left_out)), tuple(clues)


_DATES = "Dates of files were not looked at for leaks, because they are those of unpacking or copying."


def make_targets(photos: Sequence[Photo], manifest: Manifest) -> Targets | None:
    """Return the classes that properties may tell, and folds of whole groups. None if photos are too few.

    For two classes, one is compared with the other. Of many classes, the most frequent ones are.
    """
    labels = pd.Series([photo.label for photo in photos], dtype=str)
    groups = [photo.group for photo in photos]
    flags: Flags = encode_labels(labels, manifest) > 0.5
    counts = flags.sum(axis=0)
    enough = np.flatnonzero((counts >= LEAST_PHOTOS) & (len(flags) - counts >= LEAST_PHOTOS))
    chosen = np.sort(enough[np.argsort(-counts[enough], kind="stable")][:MAX_CLASSES])
    units = assign_units(groups)
    folds = min(FALLBACK_FOLDS, len(np.unique(units)))
    if not len(chosen) or folds < 2:
        return None
    names = [manifest.outputs[place] for place in chosen]
    return Targets(names, flags[:, chosen], deal_folds(labels.tolist(), units, folds), units)


def _add_together(properties: Sequence[Property]) -> list[Property]:
    from scipy.sparse import hstack

    if len(properties) < 2:
        return list(properties)
    return [*properties, Property(TOGETHER, hstack([each.indicators for each in properties], format="csr"))]


def _explain_names(manifest: Manifest) -> list[str]:
    where = {"names": "names of files", "folders": "folders"}.get(manifest.train.labels)
    if where is None:
        return []
    what = "Names were" if manifest.train.labels == "names" else "Folders were"
    return [f"{what} not looked at for leaks, because labels are read from {where}."]


def _explain_classes(manifest: Manifest, targets: Targets) -> list[str]:
    missing = len(manifest.outputs) - len(targets.names)
    if not missing:
        return []
    why = f"which have fewer than {LEAST_PHOTOS} training photos, or nearly all"
    if len(targets.names) == MAX_CLASSES:
        why = f"which are not among the {MAX_CLASSES} most frequent"
    return [f"Leaks were not looked for in {missing} of {len(manifest.outputs)} classes, {why}."]


def summarise_leaks(clues: Sequence[Clue]) -> tuple[Finding, ...]:
    """Return the finding of all clues that are reported, if there are any."""
    reported = [clue for clue in clues if clue.is_reported]
    if not reported:
        return ()
    best = next((clue for clue in reported if clue.name != TOGETHER), reported[0])
    summary = (
        f"Without a look at the picture, the {best.name} tells {best.target!r} from the others with an AUC of "
        f"{format_area(best)}. {len(reported)} of {format_count(clues, 'clue')} reached {LEAST_AREA} at the level "
        f"{LEVEL}, corrected for all looks."
    )
    examples = tuple(f"{clue.name} {clue.area:.2f}" for clue in reported)
    return (Finding(_KIND, "train", len(reported), "clue", examples, summary, "find out why the classes differ"),)
