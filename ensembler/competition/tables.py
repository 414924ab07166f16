"""Tables of photos with labels and groups, which all later stages read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadData
from ..paths import CompetitionFolder, find_in_mirror
from ..serialization import write_record
from ..storage import remove_file
from .csv_tables import read_table, write_table
from .layout.groups import MIN_GROUPS, build_group_column, read_groups
from .layout.joined_groups import join_groups
from .layout.labels import tabulate_labelled_photos
from .manifest import FOLDERS, SCAN_VERSION, SEPARATOR, Manifest, TablesStamp
from .orientation.rotations import count_quarter_turns, read_photos, rotate_rows
from .photo_files import PhotoFiles
from .photo_names import extract_folder
from .sample_submission import SampleSubmission
from .task import ROTATIONS


@dataclass(frozen=True)
class Tables:
    """A competition's photos.

    ``train`` has the columns id, path, label and group. ``test`` has id and path, in the order of the sample
    submission. Paths are relative to ``photos``. The path of a missing or unreadable test photo is empty. The group of
    a photo without a group is empty.

    Each photo of an orientation task has four consecutive rows. Their column ``rotation`` contains the degrees by which
    the photo is rotated counter-clockwise.
    """

    manifest: Manifest
    photos: Path
    train: pd.DataFrame
    test: pd.DataFrame

    @cached_property
    def targets(self) -> NDArray[np.float32]:
        """Labels of the training photos as 0 and 1 per output, shape (photos, outputs)."""
        return encode_labels(self.train["label"], self.manifest)

    @cached_property
    def train_paths(self) -> list[Path]:
        """Files of the training photos, in the table's order."""
        return [self.photos / path for path in self.train["path"]]

    @property
    def rows_per_photo(self) -> int:
        """Number of rows of each photo: 4 rotations in an orientation task, otherwise 1."""
        return len(ROTATIONS) if self.manifest.is_orientation else 1

    @cached_property
    def train_turns(self) -> NDArray[np.int64] | None:
        """Quarter turns counter-clockwise of the training photos, shape (rows,). None without rotations."""
        return count_quarter_turns(self.train["rotation"]) if self.manifest.is_orientation else None

    @cached_property
    def test_turns(self) -> NDArray[np.int64] | None:
        """Quarter turns counter-clockwise of the readable test photos, shape (rows,). None without rotations."""
        is_orientation = self.manifest.is_orientation
        return count_quarter_turns(self.test.loc[self.readable_test, "rotation"]) if is_orientation else None

    @property
    def readable_test(self) -> NDArray[np.bool_]:
        """Mask of the test photos that can be read, shape (test photos,)."""
        return (self.test["path"] != "").to_numpy(dtype=bool)

    @cached_property
    def test_paths(self) -> list[Path]:
        """Files of the readable test photos, in the table's order."""
        return [self.photos / path for path in self.test.loc[self.readable_test, "path"]]


def encode_labels(labels: pd.Series, manifest: Manifest) -> NDArray[np.float32]:
    """Encode labels as 0 and 1 per output, shape (photos, outputs)."""
    # Each distinct label is parsed only once.
    codes, names = pd.factorize(labels, use_na_sentinel=False)
    flags = pd.Series(names).str.get_dummies(SEPARATOR).reindex(columns=list(manifest.outputs), fill_value=0)
    return flags.to_numpy(dtype=np.float32)[codes]


def compute_prior(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of each output among ``targets``, smoothed by half a row so that it is neither 0 nor 1."""
    return np.asarray((targets.sum(axis=0, dtype=np.float64) + 0.5) / (len(targets) + 1.0))


def make_tables(manifest: Manifest, photos: PhotoFiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables of training and test photos from the names of files. The photos are not read."""
    sample = SampleSubmission.read(photos.root / manifest.answer.sample)
    if manifest.answer.id_column != sample.id_column:
        raise BadData(
            f"The first column of {sample.path} is {sample.id_column!r}, but competition.toml expects "
            f"{manifest.answer.id_column!r}: correct answer.id_column there."
        )
    photos = photos.leave_out(manifest.leave_out)
    ids = read_photos(sample.ids, sample.path) if manifest.is_orientation else sample.ids
    test = pd.DataFrame({"id": ids, "path": find_test_paths(manifest, photos, ids)})
    if (test["path"] == "").all():
        raise BadData(
            f"No id of {sample.path} is a photo in {photos.root / manifest.test.folder}: correct test.folder or "
            "answer.sample in competition.toml."
        )
    to_predict = frozenset(test["path"]) - {""}
    train = tabulate_labelled_photos(manifest, photos, to_predict)
    # A photo to predict must not be trained on, even if its label is known.
    train = train.loc[~train["path"].isin(to_predict)].reset_index(drop=True)
    return train.assign(group=read_photo_groups(train["path"], manifest, photos)), test


def find_test_paths(manifest: Manifest, photos: PhotoFiles, ids: Sequence[str]) -> list[str]:
    """Return the path of each photo to predict; empty if it is missing."""
    folders = [photos.select_inside(folder) for folder in manifest.test.folders]
    return [next((path for inside in folders if (path := inside.find(identity))), "") for identity in ids]


def read_photo_groups(paths: pd.Series, manifest: Manifest, photos: PhotoFiles) -> pd.Series:
    """Return the group of each training photo in the manifest's table or level of groups; empty without a group."""
    column = build_group_column(manifest.train)
    if column is None:
        return pd.Series("", index=paths.index, dtype=str)
    if column.file == FOLDERS:
        level = int(column.column)
        parts = paths.map(lambda path: manifest.train.split_below(extract_folder(path))[:level])
        # A patient may have a folder below several classes. Few names, such as 1 and 2, are no groups of their own.
        names = parts.str[-1].fillna("")
        return names if names.nunique() >= MIN_GROUPS else parts.str.join("/")
    return paths.map(read_groups(column, photos.select_inside_any(manifest.train.folders))).fillna("")


def exclude_unreadable(
    train: pd.DataFrame, test: pd.DataFrame, reasons: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Remove unreadable photos from the training table, and clear their paths in the test table.

    ``reasons`` maps paths of unreadable photos to reasons.

    Returns
    -------
    tuple
        The training table, the test table, and the table of unreadable and missing photos with the columns id, path,
        set and reason. The path of a missing photo is empty.
    """
    photos = pd.concat([train.assign(set="train"), test.assign(set="test")])[["id", "path", "set"]]
    photos["reason"] = photos["path"].map({"": "the photo is missing", **reasons})
    return (
        train[~train["path"].isin(reasons)].reset_index(drop=True),
        test.assign(path=test["path"].mask(test["path"].isin(reasons), "")),
        photos.dropna(subset="reason").reset_index(drop=True),
    )


def group_twins(train: pd.DataFrame, pictures: dict[str, str]) -> pd.DataFrame:
    """Put duplicates into one group; groups that share a picture become one.

    A group is named after the first of its joined groups, or after its first photo. ``pictures`` maps paths to
    pictures; duplicates have the same picture.
    """
    contents = train["path"].map(pictures).fillna("")
    twins = contents.where(contents.duplicated(keep=False), "")
    return train.assign(group=join_groups(train["id"], [train["group"], twins]))


def save_tables(
    folder: CompetitionFolder,
    manifest: Manifest,
    train: pd.DataFrame,
    test: pd.DataFrame,
    unreadable: pd.DataFrame,
    duplicates: pd.DataFrame,
) -> None:
    """Write the tables, and last the stamp that identifies their manifest."""
    write_table(folder.train, train[["id", "path", "label", "group"]])
    write_table(folder.test, test[["id", "path"]])
    write_table(folder.unreadable, unreadable[["id", "path", "set", "reason"]])
    write_table(folder.duplicates, duplicates)
    write_record(folder.stamp, TablesStamp(manifest.fingerprint, SCAN_VERSION))


def invalidate_tables(folder: CompetitionFolder) -> None:
    """Invalidate the tables, because their source files are replaced."""
    remove_file(folder.stamp)


def read_photo_tables(folder: CompetitionFolder) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the tables of training and test photos, with a row for each photo."""
    return read_table(folder.train), read_table(folder.test)


def load_tables(folder: CompetitionFolder) -> Tables:
    """Read the manifest and the tables. Those of an orientation task get a row for each rotation."""
    manifest = Manifest.load(folder.manifest)
    photos = find_in_mirror(folder.root / manifest.photos)
    train, test = read_photo_tables(folder)
    if manifest.is_orientation:
        train, test = rotate_rows(train), rotate_rows(test)
    return Tables(manifest, photos, train, test)
