"""Who computes which rows of features at the same time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.photos import Heard

from ensembler.errors import Interrupted
from ensembler.members.features.feature_locks import lock_features
from ensembler.paths import CompetitionFolder

FILES = [Path("b.npy"), Path("a.npy")]


class Impatient(Heard):
    """Stops a job as soon as it has to wait."""

    stopping = True


@pytest.fixture
def folder(tmp_path: Path) -> CompetitionFolder:
    return CompetitionFolder(tmp_path / "made")


@contextlib.contextmanager
def locked(folder: CompetitionFolder, files: list[Path], rows: range | None) -> Iterator[None]:
    with lock_features(folder, files, "features", Impatient(), rows):
        yield


@pytest.mark.parametrize(
    ("held", "wanted", "waits"),
    [
        (range(8), range(8, 16), False),
        (range(8, 16), range(8), False),
        (range(8), range(8), True),
        (range(8), range(7, 9), True),
        (range(80), range(7, 9), True),
        (range(8), None, True),
        (None, range(8), True),
        (None, None, True),
    ],
)
def test_who_waits_for_whom(folder: CompetitionFolder, held: range | None, wanted: range | None, waits: bool) -> None:
    with locked(folder, FILES, held):
        with pytest.raises(Interrupted) if waits else contextlib.nullcontext(), locked(folder, FILES, wanted):
            pass
        # Another file is free.
        with locked(folder, [Path("c.npy")], wanted):
            pass
    # Afterwards, also after who gave up, all are free.
    for rows in (wanted, held, None):
        with locked(folder, FILES, rows):
            pass


def test_one_common_file_suffices_to_wait(folder: CompetitionFolder) -> None:
    with locked(folder, [FILES[0]], range(8)), pytest.raises(Interrupted), locked(folder, FILES, None):
        pass


def test_locks_of_rows_do_not_gather(folder: CompetitionFolder) -> None:
    for start in range(5):
        with locked(folder, FILES, range(start, start + 1)):
            pass
    with locked(folder, FILES, None):
        assert not list(folder.lock("").parent.glob("*.rows-*"))
