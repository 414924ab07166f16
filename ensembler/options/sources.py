"""Which of several sources of options wins, and which one a value came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from .declared import TrainingOptions
from .reading import SINGLE_PHASE, two_ways


@dataclass(frozen=True)
class Layer:
    """Options from one source.

    Attributes
    ----------
    source
        As a person knows it: ``preset good``, ``command line``, a file.
    options
        What it says.
    """

    source: str
    options: TrainingOptions


@dataclass(frozen=True)
class InForce:
    """Options after all sources were heard.

    Attributes
    ----------
    options
        The values.
    sources
        Where each of them comes from.
    """

    options: TrainingOptions
    sources: dict[str, str]


def merge(layers: Iterable[Layer]) -> InForce:
    """Lay options over each other; those of a later layer win.

    Phases take the place of an earlier layer's single phase, and ``unfreeze`` that of an earlier layer's phases.

    Raises
    ------
    BadChoice
        If another option of a single phase, such as ``epochs``, meets an earlier layer's phases: it is not clear
        which of them is meant.
    """
    options: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for layer in layers:
        if "phases" in options:
            _end_phases(options, sources, layer)
        options.update(layer.options)
        sources.update(dict.fromkeys(layer.options, layer.source))
    if "phases" in options:
        options = {name: value for name, value in options.items() if name not in SINGLE_PHASE}
    return InForce(cast(TrainingOptions, options), {name: sources[name] for name in options})


def _end_phases(options: dict[str, Any], sources: dict[str, str], layer: Layer) -> None:
    single = [name for name in SINGLE_PHASE if name in layer.options]
    if "unfreeze" in single:
        del options["phases"]
    elif single:
        raise two_ways(single, f" ({layer.source}; the phases are from {sources['phases']})")
