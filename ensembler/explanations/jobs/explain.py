"""The job that explains photos."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...competition.pixels import PixelRule
from ...errors import UnreadablePhoto
from ...images.batches import Misfits, iterate_readable_batches
from ...paths import find_in_mirror
from ...progress import Progress
from ...serialization import convert_to_plain, make_record, write_arrays
from ...stacking.prediction_report import PredictionReport
from ..asked import AskedPhoto
from ..heat import MAP_SIZE
from .explained_network import BatchMaps, ExplainedNetwork
from .networks import NetworkSource

# Gradients need few operations, so larger batches save little time and take more memory.
_BATCH_SIZE = 12


@dataclass
class _Results:
    """Arrays of all photos, filled batch by batch. Rows of photos that cannot be decoded stay NaN."""

    photos: int
    arrays: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def store(self, rows: NDArray[np.int64], maps: BatchMaps) -> None:
        """Store what was found of the photos at ``rows``."""
        for name, values in vars(maps).items():
            if name not in self.arrays:
                self.arrays[name] = np.full((self.photos, *values.shape[1:]), np.nan, np.float32)
            self.arrays[name][rows] = values


def explain_photos(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Explain photos in a job.

    Parameters
    ----------
    spec
        Options of the job: those of :class:`.NetworkSource`, and ``photos``: a JSON file with the list of photos as
        :class:`.AskedPhoto`, ``pixels``: the rule of pixels, ``maps``: the ``.npz`` file to write with the arrays of
        :class:`.BatchMaps`.
    progress
        Receiver of finished photos.

    Returns
    -------
    dict
        A :class:`.PredictionReport` as ``report``, and the ``methods`` of the members' maps.
    """
    named = json.loads(Path(spec["photos"]).read_text("utf-8"))
    asked = [make_record(each, AskedPhoto, spec["photos"]) for each in named]
    rule = make_record(spec["pixels"], PixelRule, "the rule of pixels")
    source, results, misfits = NetworkSource(spec), _Results(len(asked)), Misfits()
    problems: dict[int, str] = {}
    methods: tuple[str, ...] = ()
    task = progress.start("explain photos", len(asked), unit="photos")
    for folds, rows in _group_by_folds(asked, join=bool(spec["frozen"])):
        progress.raise_if_stopping("before the next networks are loaded")
        network, model = source.open(folds)
        methods = methods or network.list_methods()
        batches = _iterate_batches(asked, rows, [int(tensor.shape[1]) for tensor in model.inputs], rule, misfits)
        for some, pixels, unreadable in batches:
            problems |= unreadable
            if len(some):
                results.store(some, _explain_batch(network, folds, [asked[row] for row in some], pixels, progress))
            task.advance(len(some) + len(unreadable))
    task.finish()
    write_arrays(Path(spec["maps"]), **(results.arrays or _make_empty_arrays(len(asked))))
    return {"report": _report(asked, problems, misfits), "methods": list(methods)}


def _explain_batch(
    network: ExplainedNetwork,
    folds: Sequence[int],
    asked: Sequence[AskedPhoto],
    pixels: list[NDArray[np.uint8]],
    progress: Progress,
) -> BatchMaps:
    classes = np.array([photo.class_number for photo in asked])
    weights = np.array([[(fold in photo.folds) / max(1, len(photo.folds)) for fold in folds] for photo in asked])
    check = partial(progress.raise_if_stopping, "in the maps of photos")
    return network.explain(pixels, classes, check, weights if len(folds) > 1 else None)


def _group_by_folds(asked: Sequence[AskedPhoto], *, join: bool) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    """Yield the folds whose networks are needed together, with the numbers of the photos that they explain.

    With ``join``, all photos that folds held out are explained together.
    """
    every = tuple(sorted({fold for photo in asked for fold in photo.folds}))
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, photo in enumerate(asked):
        groups.setdefault(every if join and photo.folds else photo.folds, []).append(row)
    yield from sorted(groups.items())


def _iterate_batches(
    asked: Sequence[AskedPhoto], rows: Sequence[int], sizes: Sequence[int], rule: PixelRule, misfits: Misfits
) -> Iterator[tuple[NDArray[np.int64], list[NDArray[np.uint8]], dict[int, str]]]:
    """Yield the rows and pixels of the readable photos of each batch, and the problems of the others."""
    paths = [find_in_mirror(Path(asked[row].path)) for row in rows]
    for number, batch in enumerate(iterate_readable_batches(paths, sizes, _BATCH_SIZE, rule, misfits)):
        own = rows[number * _BATCH_SIZE :][: len(batch)]
        readable = {row: photo for row, photo in zip(own, batch, strict=True) if not isinstance(photo, UnreadablePhoto)}
        problems = {row: str(photo) for row, photo in zip(own, batch, strict=True) if row not in readable}
        turned = [[np.rot90(part, asked[row].turns) for part in photo] for row, photo in readable.items()]
        yield np.array(list(readable), np.int64), [np.stack(part) for part in zip(*turned, strict=True)], problems


def _make_empty_arrays(photos: int) -> dict[str, NDArray[np.float32]]:
    """Return arrays of photos none of which can be decoded."""
    return {
        "probabilities": np.full((photos, 1), np.nan, np.float32),
        "heat": np.full((photos, MAP_SIZE, MAP_SIZE), np.nan, np.float32),
    }


def _report(asked: Sequence[AskedPhoto], problems: dict[int, str], misfits: Misfits) -> dict[str, Any]:
    local = {photo.path: find_in_mirror(Path(photo.path)) for photo in asked}
    report = PredictionReport(
        unreadable=tuple(
            text.replace(str(local[asked[row].path]), asked[row].path) for row, text in sorted(problems.items())
        ),
        assumed=tuple(name for name, path in local.items() if path in misfits.assumed),
        beyond=tuple(name for name, path in local.items() if path in misfits.beyond),
    )
    return cast("dict[str, Any]", convert_to_plain(report))
