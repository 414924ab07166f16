"""What each file below a competition's folder is used for, or why it is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from ...paths import CompetitionFolder
from ..csv_tables import read_table, write_table
from ..layout.class_names import find_class_names_file
from ..layout.evidence import SPELLING, Evidence
from ..manifest import FOLDERS, Manifest
from ..photo_files import PhotoFiles, compile_patterns
from ..photo_names import extract_suffix
from ..pictures.file_kinds import OTHER, PHOTO, SYSTEM, walk_files

LEARNED, PREDICTED, TABLE, LEFT_OUT = "learned from", "to predict", "table", "left out"
USES = (LEARNED, PREDICTED, TABLE, LEFT_OUT)
_COLUMNS = ["path", "use", "reason"]
_ARCHIVES = frozenset({".zip", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar"})


@dataclass(frozen=True)
class FileCount:
    """Number of files of one use.

    Attributes
    ----------
    use
        ``learned from``, ``to predict``, ``table`` or ``left out``.
    reason
        Content of a table, or why the files are left out. Otherwise empty.
    count
        Number of files.
    examples
        Up to three paths.
    """

    use: str
    reason: str
    count: int
    examples: tuple[str, ...]

    def describe(self) -> str:
        """Return the number, and for files that are not photos of the task the reason and examples."""
        if not self.reason:
            return f"{self.count}"
        dots = ", ..." if self.count > len(self.examples) else ""
        return f"{self.count}: {self.reason} ({', '.join(self.examples)}{dots})"


def account_for_files(
    manifest: Manifest,
    photos: PhotoFiles,
    train: pd.DataFrame,
    test: pd.DataFrame,
    unreadable: pd.DataFrame,
    evidence: Evidence,
) -> pd.DataFrame:
    """Return the use of each file below the root of ``photos``, with the columns path, use and reason.

    ``train``, ``test`` and ``unreadable`` are the tables of photos, and ``evidence`` contains reasons for unused files.
    """
    used = dict.fromkeys(train["path"], (LEARNED, ""))
    used |= dict.fromkeys(test["path"], (PREDICTED, ""))
    used |= dict.fromkeys(unreadable["path"], (LEFT_OUT, "it cannot be decoded, see unreadable.csv"))
    spellings = [(found.source, "the names of the classes") for found in evidence.findings if found.subject == SPELLING]
    for path, content in [*_list_tables(manifest, photos), *spellings]:
        # A path written by hand may have a dot at its start.
        used[os.path.relpath(photos.root / path, photos.root).replace(os.sep, "/")] = (TABLE, content)
    explain = _Explanation(manifest, evidence)
    rows = [
        (path, *(used.get(path) or (LEFT_OUT, explain.find_reason(path, kind))))
        for path, kind in walk_files(photos.root, enter_systems=True)
    ]
    return pd.DataFrame(sorted(rows), columns=_COLUMNS)


def _list_tables(manifest: Manifest, photos: PhotoFiles) -> Iterator[tuple[str, str]]:
    """Yield the tables of the manifest, with their content. One of labels may also contain the groups."""
    train = manifest.train
    if train.groups and train.groups != FOLDERS:
        yield train.groups, "the groups"
    if train.file:
        yield train.file, "the labels and the groups" if train.file == train.groups else "the labels"
    if manifest.class_names and (file := find_class_names_file(photos.root, manifest.classes)):
        yield file.relative_to(photos.root).as_posix(), "the names of the classes"
    yield manifest.answer.sample, "the sample submission"


class _Explanation:
    """Reasons why files are not used."""

    def __init__(self, manifest: Manifest, evidence: Evidence) -> None:
        self._manifest = manifest
        # The most special path decides.
        unused = sorted(evidence.unused, key=lambda file: len(file.path), reverse=True)
        self._unused = [(compile_patterns([file.path]), file.reason) for file in unused]
        self._is_left_out = compile_patterns(manifest.leave_out) if manifest.leave_out else None
        # Most patterns are folders, so a folder is compared with them once.
        self._find_reason_of_folder = lru_cache(maxsize=1 << 12)(self._find_recorded_reason)
        labels = manifest.train.file or "a name or folder of a class"
        self._missing_label = f"it has no label in {labels}" if manifest.train.file else f"it has no {labels}"

    def find_reason(self, path: str, kind: str) -> str:
        """Return the reason why a file of a kind is not used."""
        if kind == SYSTEM:
            return "it is hidden, or left by a system"
        folder = path.rpartition("/")[0]
        if reason := self._find_reason_of_folder(folder) or self._find_recorded_reason(path):
            return reason
        if self._is_left_out and self._is_left_out(path):
            return "leave_out in competition.toml contains it"
        if kind not in (PHOTO, OTHER):
            return f"{kind} files are not decoded here"
        return self._explain_photo(path) if kind == PHOTO else _explain_other(path)

    def _find_recorded_reason(self, path: str) -> str:
        return next((reason for matches, reason in self._unused if matches(path)), "")

    def _explain_photo(self, path: str) -> str:
        is_in_test = _is_inside(path, self._manifest.test.folders)
        if not _is_inside(path, self._manifest.train.folders):
            return (
                "the sample submission does not ask for it" if is_in_test else "it is outside the folders of the sets"
            )
        if is_in_test:
            return f"{self._missing_label}, and the sample submission does not ask for it"
        return self._missing_label


def _is_inside(path: str, folders: tuple[str, ...]) -> bool:
    return any(folder == "." or path.startswith(folder + "/") for folder in folders)


def _explain_other(path: str) -> str:
    suffix = extract_suffix(path).lower()
    if suffix in _ARCHIVES:
        return "it is an archive that is not unpacked"
    return "it is a table that the layout does not need" if suffix == ".csv" else "it is neither a photo nor a table"


def find_useless_patterns(manifest: Manifest, files: pd.DataFrame) -> list[str]:
    """Return the patterns in the manifest's ``leave_out`` that no file of ``files`` matches."""
    paths = files.loc[files["use"] == LEFT_OUT, "path"]
    return [pattern for pattern in manifest.leave_out if not any(map(compile_patterns([pattern]), paths))]


def save_files(folder: CompetitionFolder, files: pd.DataFrame) -> None:
    """Write ``files.csv``."""
    write_table(folder.files, files)


def load_file_counts(folder: CompetitionFolder) -> tuple[FileCount, ...]:
    """Count the files in ``files.csv`` by use and reason; none if an earlier version prepared the competition."""
    if not folder.files.is_file():
        return ()
    files = read_table(folder.files)
    counts = [
        FileCount(str(use), str(reason), len(paths), tuple(paths.iloc[:3]))
        for (use, reason), paths in files.groupby(["use", "reason"])["path"]
    ]
    return tuple(sorted(counts, key=lambda found: (USES.index(found.use), -found.count, found.reason)))
