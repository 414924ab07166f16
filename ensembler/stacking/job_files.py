"""The files that jobs of stacks read and write, for machines without a shared folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..competition.tables import load_tables
from ..job_files import JobFiles
from ..members.job_files import list_table_files
from ..members.records import MemberRecord, list_network_files
from ..paths import CompetitionFolder
from .records import CHECKED_PHOTOS


def list_stack_files(folder: CompetitionFolder, stack: str, members: Sequence[str], *, refit: bool) -> JobFiles:
    """List the files of the construction of ``stack.keras``."""
    place = folder.stack(stack)
    reads = [place / "meta.npz", place / "predictions.npz"]
    for name in members:
        record = MemberRecord.load(folder, name)
        networks = list_network_files(folder, record, refit=refit)
        reads += [folder.member(name) / "member.json", *networks, *(each.parent / "fold.json" for each in networks)]
    photos = load_tables(folder).test_paths[:CHECKED_PHOTOS]
    files = JobFiles(
        reads=tuple(dict.fromkeys(map(str, reads))),
        writes=(str(place / "stack.keras"),),
        photos=tuple(map(str, photos)),
    )
    return list_table_files(folder).join(files)


def list_prediction_files(model: Path, photo_list: Path, photos: Sequence[Path], predictions: Path) -> JobFiles:
    """List the files of the prediction of photos: the stack, the list of the photos, and the photos themselves."""
    reads = (str(model.absolute()), str(photo_list.absolute()))
    paths = tuple(str(path.absolute()) for path in photos)
    return JobFiles(reads=reads, writes=(str(predictions.absolute()),), photos=paths)
