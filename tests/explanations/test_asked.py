"""Photos of the competition are known by their ids and paths, with the folds that never saw them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from helpers.members_made import small_competition
from helpers.photos import write_photo

from ensembler.competition.folds.file import load_folds
from ensembler.competition.folds.folds import Folds
from ensembler.competition.tables import Tables
from ensembler.errors import BadChoice
from ensembler.explanations.asked import AskedPhoto, KnownPhotos
from ensembler.paths import CompetitionFolder

Made = tuple[CompetitionFolder, Tables, Folds]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, tables = small_competition(tmp_path_factory.mktemp("made"))
    return folder, tables, load_folds(folder, tables)


@pytest.mark.parametrize("spelled", ["path", "symbolic link", "dots", "id"])
def test_a_training_photo_is_known_however_it_is_spelled(made: Made, tmp_path: Path, spelled: str) -> None:
    _, tables, folds = made
    known, path = KnownPhotos(tables, folds), tables.train_paths[7]
    if spelled == "symbolic link":
        (tmp_path / "link").symlink_to(tables.photos)
        path = tmp_path / "link" / tables.train["path"][7]
    elif spelled == "dots":
        path = path.parent / ".." / path.parent.name / path.name
    found = known.find_id(tables.train["id"][7]) if spelled == "id" else known.find_path(path)
    assert (found.id, found.label) == (tables.train["id"][7], tables.train["label"][7])
    assert [folds.mask_held_out(fold)[7] for fold in range(folds.splits)] == [
        fold in found.folds for fold in range(folds.splits)
    ]


def test_each_repeat_has_a_fold_that_never_saw_the_photo(made: Made) -> None:
    _, tables, folds = made
    assigned = folds.assigned.repeat(2, axis=1)
    twice = dataclasses.replace(folds, assigned=assigned)
    found = KnownPhotos(tables, twice).describe_row(4)
    first = int(assigned[4, 0])
    assert found.folds == (first, first + folds.count)


def test_a_photo_that_no_fold_holds_out_is_explained_by_all(made: Made) -> None:
    _, tables, folds = made
    never = dataclasses.replace(folds, assigned=folds.assigned * 0 - 1)
    assert KnownPhotos(tables, never).describe_row(0).folds == ()


def test_photos_to_predict_and_others_have_no_label(made: Made, tmp_path: Path) -> None:
    _, tables, folds = made
    known, path = KnownPhotos(tables, folds), tables.test_paths[0]
    identity = tables.test["id"][0]
    assert known.find_path(path) == AskedPhoto(str(path), id=identity)
    assert known.find_id(identity) == AskedPhoto(str(path), id=identity)
    elsewhere = write_photo(tmp_path / "elsewhere.png")
    assert known.find_path(elsewhere) == AskedPhoto(str(elsewhere))


@pytest.mark.parametrize("asked", ["{}x", "nobody at all"])
def test_an_unknown_id_is_refused_with_ids_that_exist(made: Made, asked: str) -> None:
    _, tables, folds = made
    first = tables.train["id"][0]
    with pytest.raises(BadChoice, match=rf"neither a file nor the id .* ids such as .*{first}"):
        KnownPhotos(tables, folds).find_id(asked.format(first))


def test_the_rows_of_an_orientation_task_are_turned(made: Made) -> None:
    _, tables, folds = made
    from ensembler.competition.orientation.rotations import rotate_rows

    train, test = rotate_rows(tables.train), rotate_rows(tables.test)
    manifest = dataclasses.replace(
        tables.manifest, train=dataclasses.replace(tables.manifest.train, labels="rotations")
    )
    turned = Tables(manifest, tables.photos, train, test)
    assert turned.manifest.is_orientation
    every = Folds(folds.assigned.repeat(4, axis=0), folds.count, pd.Series(train["label"]), pd.Series(train["group"]))
    known = KnownPhotos(turned, every)
    assert [known.describe_row(row).turns for row in range(4)] == [0, 1, 2, 3]
    assert known.find_path(tables.train_paths[1]) == known.describe_row(4)
    found = known.find_id(test["id"][2])
    assert (found.turns, found.name) == (2, f"{Path(found.path).stem}@180{Path(found.path).suffix}")
