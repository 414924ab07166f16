"""Sources of options, and the merging of their values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from .declared import TrainingOptions
from .reading import SINGLE_PHASE_OPTIONS, make_phase_conflict


@dataclass(frozen=True)
class OptionSource:
    """Options from one source.

    Attributes
    ----------
    name
        Name that the user knows, such as ``preset good``, ``command line`` or the path of a file.
    options
        Options that the source sets.
    """

    name: str
    options: TrainingOptions


@dataclass(frozen=True)
class ResolvedOptions:
    """Options after all sources were merged.

    Attributes
    ----------
    options
        Values by name.
    sources
        Name of the source of each value.
    """

    options: TrainingOptions
    sources: dict[str, str]


def merge_sources(option_sources: Iterable[OptionSource]) -> ResolvedOptions:
    """Merge options. Later sources win.

    Phases replace the single phase of earlier sources, and ``unfreeze`` replaces their phases.

    Raises
    ------
    BadChoice
        If another option of a single phase, such as ``epochs``, follows the phases of an earlier source, because it is
        ambiguous which of them applies.
    """
    options: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source in option_sources:
        single = [name for name in SINGLE_PHASE_OPTIONS if name in source.options]
        if "phases" in options and "unfreeze" in single:
            del options["phases"]
        elif "phases" in options and single:
            raise make_phase_conflict(single, f" ({source.name}; the phases are from {sources['phases']})")
        options.update(source.options)
        sources.update(dict.fromkeys(source.options, source.name))
    if "phases" in options:
        options = {name: value for name, value in options.items() if name not in SINGLE_PHASE_OPTIONS}
    return ResolvedOptions(cast(TrainingOptions, options), {name: sources[name] for name in options})
