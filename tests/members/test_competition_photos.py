from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.members_made import FOLDS, record_of, small_competition
from helpers.photos import Heard, write_photo

from ensembler.competition.layout.hints import Hints
from ensembler.competition.tables import Tables, load_tables
from ensembler.images import photo_store
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_source import FilePhotos, InMemoryPhotos
from ensembler.images.photo_store import StoredPhotos
from ensembler.members import competition_photos
from ensembler.members.competition_photos import CompetitionPhotos, list_test_rows, make_competition_photos
from ensembler.members.records import MemberRecord, load_fold
from ensembler.members.training_job import TrainingJob
from ensembler.options.declared import TrainingOptions
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import Progress
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.train.train import train_members

SIZE = 8
Made = tuple[CompetitionFolder, Tables]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return small_competition(tmp_path_factory.mktemp("competition"))


@pytest.fixture
def fresh(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The competition with its store in a folder of the test's own."""
    monkeypatch.setattr(CompetitionFolder, "pixels", property(lambda _: tmp_path / "pixels"))
    return made


@pytest.fixture
def pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(competition_photos, "estimate_seconds_saved", lambda *_: 60.0)


def opened(made: Made, progress: Progress, limit: int | None = None) -> CompetitionPhotos:
    return CompetitionPhotos(*made, "samples", SIZE, progress, decodings=1000, cache_limit=limit)


@pytest.mark.usefixtures("pays")
def test_a_store_that_pays_is_made_once_and_told(fresh: Made, tmp_path: Path) -> None:
    heard = Heard()
    photos = opened(fresh, heard)
    rows, paths = np.array([29, 3, 0]), fresh[1].train_paths + fresh[1].test_paths
    for source in (photos.select_photos(rows), photos.select_training_photos(rows)):
        assert isinstance(source, StoredPhotos)
        assert source.is_decoded
        assert np.array_equal(source.gather(np.arange(3)), [decode_photo(paths[row], SIZE) for row in rows])
    place = tmp_path / "pixels" / "samples"
    assert heard.notes == [
        "30 photos are decoded once at 8 pixels, which saves about 60 s. "
        f"They take 5.8e-06 GB in {place} (cache_limit)."
    ]
    assert heard.labels == ["decode photos at 8 pixels"]
    again = Heard()
    assert isinstance(opened(fresh, again).select_photos(rows), StoredPhotos)
    assert (again.notes, again.labels) == ([], [])


def test_a_store_that_is_there_is_used_however_seldom_photos_are_decoded(fresh: Made) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(competition_photos, "estimate_seconds_saved", lambda *_: 60.0)
        opened(fresh, Heard()).select_photos(np.array([0]))
    photos = CompetitionPhotos(*fresh, "samples", SIZE, Heard())
    assert isinstance(photos.select_photos(np.array([0])), StoredPhotos)


@pytest.mark.parametrize("why", ["it does not pay", "there is no room"])
def test_without_a_store_photos_are_decoded_and_those_to_learn_from_held(
    why: str, fresh: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = competition_photos.MIN_SECONDS_SAVED + (1 if why == "there is no room" else -1)
    monkeypatch.setattr(competition_photos, "estimate_seconds_saved", lambda *_: saved)
    heard = Heard()
    photos = opened(fresh, heard, limit=30 * SIZE * SIZE * 3 - (why == "there is no room"))
    assert isinstance(photos.select_photos(np.array([0])), FilePhotos)
    assert isinstance(photos.select_training_photos(np.array([0])), InMemoryPhotos)
    assert heard.notes == []
    assert not list((tmp_path / "pixels").glob("*/*"))


@pytest.mark.usefixtures("pays")
@pytest.mark.parametrize("limit", [0, 100])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in part"])
def test_a_store_that_is_larger_than_it_may_be_is_deleted(
    fresh: Made, tmp_path: Path, limit: int, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_store, "PHOTOS_PER_FILE", 20)
    opened(fresh, Heard()).select_photos(np.array([0]))
    if not whole:
        (tmp_path / "pixels" / "samples" / str(SIZE) / "00000.npy").unlink()
    assert isinstance(opened(fresh, Heard(), limit=limit).select_photos(np.array([0])), FilePhotos)
    assert not list((tmp_path / "pixels").glob("*/*"))


@pytest.mark.usefixtures("pays")
def test_a_members_photos_are_those_of_its_size_and_samples(fresh: Made, tmp_path: Path) -> None:
    folder, tables = fresh
    record = record_of(folder, tables)
    record.save(folder)
    assignment = TrainingJob(folder, record.name, (0,), "none", decodings=1000)
    source = make_competition_photos(assignment, Heard()).select_photos(list_test_rows(tables))
    assert np.array_equal(source.read_photo(1), decode_photo(tables.test_paths[1], SIZE))
    assert [path.name for path in (tmp_path / "pixels").glob("*/*")] == ["8"]
    assert (tmp_path / "pixels" / record.samples).is_dir()


@pytest.mark.parametrize("options", [{"unfreeze": "none"}, {"unfreeze": "all", "epochs": 2, "augmentation": "crops"}])
@pytest.mark.slow
def test_members_that_learn_from_a_store_predict_the_very_same(
    tmp_path: Path, options: TrainingOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_local_engine(monkeypatch)
    predicted = []
    for name, saved in (("files", 0.0), ("store", 60.0)):
        monkeypatch.setattr(competition_photos, "estimate_seconds_saved", lambda *_, saved=saved: saved)
        folder, _ = small_competition(tmp_path / name)
        workspace = Workspace(tmp_path / name / "data", tmp_path / name / "submissions")
        heard = Heard()
        # Its two sizes have a store each.
        for size in (8, 12):
            train_members(
                ["demo-conv"],
                name=f"of-{size}",
                weights="none",
                image_size=size,
                workspace=workspace,
                progress=heard,
                **options,
            )
        assert len(list((folder.root / "cache" / "pixels").glob("*/*/*.npy"))) == (2 if saved else 0)
        record = MemberRecord.load(folder, "of-12")
        predicted.append([load_fold(folder, record, fold)[0] for fold in range(FOLDS)])
    for plain, stored in zip(*predicted, strict=True):
        assert np.array_equal(plain.held_out, stored.held_out)
        assert np.array_equal(plain.test, stored.test)


@pytest.mark.usefixtures("pays")
def test_the_rotations_of_a_photo_are_decoded_once(tmp_path: Path) -> None:
    for number in range(5):
        write_photo(tmp_path / "photos" / f"{number}.png", number)
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    folder = adopt(tmp_path / "photos", hints=Hints(task="orientation"), workspace=workspace).folder
    tables, heard = load_tables(folder), Heard()
    photos = opened((folder, tables), heard)
    assert len(photos) == 20
    rows = np.array([17, 2, 3, 16, 5])
    source = photos.select_photos(rows)
    paths = tables.train_paths + tables.test_paths
    expected = [np.rot90(decode_photo(paths[row], SIZE), row % 4) for row in rows]
    assert np.array_equal(source.gather(np.arange(5)), expected)
    # Five photos are one file of the store.
    assert heard.totals == [5]
