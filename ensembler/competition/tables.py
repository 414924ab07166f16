"""Tables of photos, with labels and groups, that all later stages read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadData
from ..paths import CompetitionFolder
from ..serialization import write_record
from ..storage import remove_file
from .csv_tables import read_table, write_table
from .layout.groups import build_group_column, read_groups
from .layout.joined_groups import join_groups
from .layout.labels import tabulate_labelled_photos
from .manifest import SEPARATOR, Manifest, TablesStamp
from .photo_files import PhotoFiles
from .sample_submission import SampleSubmission


@dataclass(frozen=True)
class Tables:
    """A competition's photos.

    ``train`` has the columns id, path, label, group; ``test`` id and path, in the order of the sample submission.
    Paths are relative to ``photos``; a test photo that is missing or cannot be read has an empty path. An empty
    group means a photo that belongs with no other.
    """

    manifest: Manifest
    photos: Path
    train: pd.DataFrame
    test: pd.DataFrame

    @cached_property
    def targets(self) -> NDArray[np.float32]:
        """0 and 1 for each training photo and each of the manifest's outputs, shape (photos, outputs)."""
        return encode_labels(self.train["label"], self.manifest)

    @cached_property
    def train_paths(self) -> list[Path]:
        """Files of the training photos, in the table's order."""
        return [self.photos / path for path in self.train["path"]]

    @property
    def readable_test(self) -> NDArray[np.bool_]:
        """Which test photos can be predicted from pixels."""
        return (self.test["path"] != "").to_numpy(dtype=bool)

    @cached_property
    def test_paths(self) -> list[Path]:
        """Files of the readable test photos, in the table's order."""
        return [self.photos / path for path in self.test.loc[self.readable_test, "path"]]


def encode_labels(labels: pd.Series, manifest: Manifest) -> NDArray[np.float32]:
    """Encode labels as 0 and 1 for each output, shape (photos, outputs)."""
    # Each distinct label is parsed once, however many photos have it.
    codes, names = pd.factorize(labels, use_na_sentinel=False)
    flags = pd.Series(names).str.get_dummies(SEPARATOR).reindex(columns=list(manifest.outputs), fill_value=0)
    return flags.to_numpy(dtype=np.float32)[codes]


def compute_prior(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of each output among ``targets``, kept off 0 and 1 by half a row."""
    return np.asarray((targets.sum(axis=0, dtype=np.float64) + 0.5) / (len(targets) + 1.0))


def make_tables(manifest: Manifest, photos: PhotoFiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables of training and test photos from the files, before the photos are read."""
    sample = SampleSubmission.read(photos.root / manifest.answer.sample)
    if manifest.answer.id_column != sample.id_column:
        raise BadData(f"The first column of {sample.path} is {sample.id_column!r}, not {manifest.answer.id_column!r}.")
    test = pd.DataFrame({"id": sample.ids, "path": _find_test_paths(manifest, photos, sample.ids)})
    if (test["path"] == "").all():
        raise BadData(f"None of the ids of {sample.path} is a photo in {photos.root / manifest.test.folder}.")
    to_predict = frozenset(test["path"]) - {""}
    train = tabulate_labelled_photos(manifest, photos, to_predict)
    # A photo to predict must not be trained on, even where its label is known.
    train = train.loc[~train["path"].isin(to_predict)].reset_index(drop=True)
    return train.assign(group=read_photo_groups(train["path"], manifest, photos)), test


def _find_test_paths(manifest: Manifest, photos: PhotoFiles, ids: list[str]) -> list[str]:
    """Path of each id's photo in the first test folder that has it, or an empty string."""
    folders = [photos.select_inside(folder) for folder in manifest.test.folders]
    return [next((path for inside in folders if (path := inside.find(identity))), "") for identity in ids]


def read_photo_groups(paths: pd.Series, manifest: Manifest, photos: PhotoFiles) -> pd.Series:
    """Return the group that the manifest's table of groups gives each training photo, empty for none."""
    column = build_group_column(manifest.train)
    if column is None:
        return pd.Series("", index=paths.index, dtype=str)
    return paths.map(read_groups(column, photos.select_inside(manifest.train.folder))).fillna("")


def exclude_unreadable(
    train: pd.DataFrame, test: pd.DataFrame, reasons: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Leave unreadable photos out of training and mark them in test; ``reasons`` has what is wrong by path.

    Returns
    -------
    tuple
        The training table without them, the test table with their paths emptied, and the table of what was found: id,
        path, set, reason (a test id without a photo has an empty path).
    """
    bad_train, bad_test = train["path"].isin(reasons.keys()), test["path"].isin(reasons.keys())
    unreadable = pd.concat(
        [
            train.loc[bad_train, ["id", "path"]].assign(set="train"),
            test.loc[bad_test, ["id", "path"]].assign(set="test"),
        ]
    )
    unreadable["reason"] = unreadable["path"].map(reasons)
    missing = test.loc[test["path"] == "", ["id", "path"]].assign(set="test", reason="there is no such photo")
    kept = train.loc[~bad_train].reset_index(drop=True)
    return (
        kept,
        test.assign(path=test["path"].where(~bad_test, "")),
        pd.concat([unreadable, missing], ignore_index=True),
    )


def group_twins(train: pd.DataFrame, pictures: dict[str, str]) -> pd.DataFrame:
    """Put photos of the same picture into one group; groups that share such a photo become one.

    A group is named after the first of those that it joins, or after its first photo. ``pictures`` tells what is the
    same for photos of the same picture, by their paths.
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
    """Write the tables; the stamp that says what they were made from comes last."""
    write_table(folder.train, train[["id", "path", "label", "group"]])
    write_table(folder.test, test[["id", "path"]])
    write_table(folder.unreadable, unreadable[["id", "path", "set", "reason"]])
    write_table(folder.duplicates, duplicates)
    write_record(folder.stamp, TablesStamp(manifest.fingerprint))


def invalidate_tables(folder: CompetitionFolder) -> None:
    """Invalidate the tables, because the files that they were made from are replaced."""
    remove_file(folder.stamp)


def load_tables(folder: CompetitionFolder) -> Tables:
    """Read the manifest and the tables."""
    manifest = Manifest.load(folder.manifest)
    return Tables(manifest, folder.root / manifest.photos, read_table(folder.train), read_table(folder.test))
