"""Which of several sources of options wins, and which one a value came from."""

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
        As a person knows it: ``preset good``, ``command line``, a file.
    options
        What it says.
    """

    name: str
    options: TrainingOptions


@dataclass(frozen=True)
class ResolvedOptions:
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


def merge_sources(option_sources: Iterable[OptionSource]) -> ResolvedOptions:
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
    for option_source in option_sources:
        if "phases" in options:
            _replace_phases(options, sources, option_source)
        options.update(option_source.options)
        sources.update(dict.fromkeys(option_source.options, option_source.name))
    if "phases" in options:
        options = {name: value for name, value in options.items() if name not in SINGLE_PHASE_OPTIONS}
    return ResolvedOptions(cast(TrainingOptions, options), {name: sources[name] for name in options})


def _replace_phases(options: dict[str, Any], sources: dict[str, str], option_source: OptionSource) -> None:
    single = [name for name in SINGLE_PHASE_OPTIONS if name in option_source.options]
    if "unfreeze" in single:
        del options["phases"]
    elif single:
        raise make_phase_conflict(single, f" ({option_source.name}; the phases are from {sources['phases']})")
