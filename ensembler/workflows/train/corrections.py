"""Reads the corrections of the members that a call trains, and reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...competition.corrections.corrections import Corrections, describe_ids, list_kept_copies
from ...competition.corrections.reading import read_corrections
from ...competition.duplicates import load_duplicates
from ...competition.tables import Tables
from ...paths import CompetitionFolder
from ...progress import Progress
from .training_call import TrainingCall


def read_call_corrections(
    call: TrainingCall, folder: CompetitionFolder, tables: Tables, progress: Progress
) -> TrainingCall:
    """Return the call with the corrections of each member, which the options ``exclude`` and ``relabel`` name.

    Raises
    ------
    BadChoice
        If a file cannot be used; see :func:`.read_corrections`.
    """
    files = [call.find_correction_files(member) for member in call.members]
    known = {each: read_corrections(tables, *each, progress) for each in dict.fromkeys(files)}
    for each, corrections in known.items():
        names = [name for name, own in zip(call.names, files, strict=True) if own == each]
        _report(names, corrections, folder, tables, progress)
    return replace(call, corrections=tuple(known[each] for each in files))


def _report(
    names: Sequence[str], corrections: Corrections, folder: CompetitionFolder, tables: Tables, progress: Progress
) -> None:
    if not corrections:
        return
    progress.note(
        f"{', '.join(names)}: {corrections.describe()} in training. Corrected photos are held out and predicted like "
        "others, and scored by their original labels; scores after correction are shown beside."
    )
    copies = list(list_kept_copies(corrections, load_duplicates(folder), set(tables.train["id"])))
    if copies:
        progress.note(
            f"{describe_ids(copies)} with the same picture as an excluded one may still be learned from: exclude such "
            "copies too if they are wrong as well."
        )
