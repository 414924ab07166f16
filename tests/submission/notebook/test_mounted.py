from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.photos import photo_bytes, write_csv, write_photos, zip_bytes

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.errors import BadData
from ensembler.progress import Progress
from ensembler.submission.notebook.mounted import MountedCompetition, find_mount

PETS = Manifest(
    name="pets",
    slug="pets",
    task="binary",
    classes=("cat", "dog"),
    photos=".",
    train=TrainLayout("train", "names"),
    test=TestLayout("test"),
    answer=AnswerLayout("sample_submission.csv", "id", ("label",), "probabilities"),
)


def opened(manifest: Manifest, root: Path, tmp_path: Path) -> MountedCompetition:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return MountedCompetition.open(manifest, root, scratch, Progress())


def asked(mounted: MountedCompetition) -> dict[str, str]:
    table = mounted.read_requested_photos()
    return {identity: Path(path).name for identity, path in zip(table["id"], table["path"], strict=True)}


@pytest.mark.parametrize("place", ["pets", "competitions/pets"])
def test_both_places_of_a_competition(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True)
    assert find_mount("pets", tmp_path) == tmp_path / place


@pytest.mark.parametrize("place", ["Kannada-MNIST", "competitions/Kannada-MNIST"])
def test_kaggle_mounts_a_name_with_its_capitals(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / "kannada-mnist-notes").mkdir()
    assert find_mount("kannada-mnist", tmp_path) == tmp_path / place


def test_the_very_name_comes_first(tmp_path: Path) -> None:
    for place in ("PETS", "competitions/pets"):
        (tmp_path / place).mkdir(parents=True)
    assert find_mount("pets", tmp_path) == tmp_path / "competitions" / "pets"


def test_a_competition_that_is_not_mounted_is_told(tmp_path: Path) -> None:
    (tmp_path / "competitions" / "other").mkdir(parents=True)
    with pytest.raises(BadData, match=r"pets is not mounted in .*competitions/other.*add it"):
        find_mount("pets", tmp_path)


def test_ids_come_from_the_mounted_sample_in_its_order(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "pets", "test/007.jpg", "test/3.jpg", "train/cat.3.jpg")
    write_csv(root / "sample_submission.csv", "id,label;3,0.5;007,0.5;9,0.5")
    mounted = opened(PETS, root, tmp_path)
    assert asked(mounted) == {"3": "3.jpg", "007": "007.jpg", "9": ""}
    assert all(Path(path).is_file() for path in mounted.read_requested_photos()["path"] if path)


def test_what_was_left_packed_is_unpacked_as_after_a_download(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    root.mkdir()
    photos = {f"test/{number}.jpg": photo_bytes(number) for number in (1, 2)}
    (root / "test.zip").write_bytes(zip_bytes(photos))
    (root / "train.zip").write_bytes(b"is not touched, so it may be damaged")
    (root / "sample_submission.csv.zip").write_bytes(zip_bytes({"sample_submission.csv": "id,label\n2,0.5\n1,0.5\n"}))
    assert asked(opened(PETS, root, tmp_path)) == {"2": "2.jpg", "1": "1.jpg"}


def test_an_archive_without_a_folder_of_its_own_name(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    root.mkdir()
    (root / "images.zip").write_bytes(zip_bytes({"test/1.jpg": photo_bytes(1), "readme.txt": "hello"}))
    write_csv(root / "sample_submission.csv", "id,label;1,0.5")
    manifest = replace(PETS, test=TestLayout("images/test"))
    assert asked(opened(manifest, root, tmp_path)) == {"1": "1.jpg"}


def test_further_folders_are_searched_for_what_the_first_lacks(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "pets", "test/1.jpg", "more/1.jpg", "more/2.jpg")
    write_csv(root / "sample_submission.csv", "id,label;1,0.5;2,0.5")
    manifest = replace(PETS, test=TestLayout("test", ("more",)))
    table = opened(manifest, root, tmp_path).read_requested_photos()
    assert table["path"].tolist() == [str(root / "test" / "1.jpg"), str(root / "more" / "2.jpg")]


def test_photos_given_as_pixels_are_drawn(tmp_path: Path) -> None:
    root = tmp_path / "digits"
    write_csv(root / "test.csv", "pixel0,pixel1,pixel2,pixel3;0,1,2,3;4,5,6,7")
    write_csv(root / "sample_submission.csv", "ImageId,Label;1,0;2,0")
    manifest = replace(PETS, answer=AnswerLayout("sample_submission.csv", "ImageId", ("Label",), "label"))
    assert asked(opened(manifest, root, tmp_path)) == {"1": "1.png", "2": "2.png"}
    assert sorted(path.name for path in root.iterdir()) == ["sample_submission.csv", "test.csv"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "pets", "photos/1.jpg")
    write_csv(root / "sample_submission.csv", "id,label;1,0.5")
    with pytest.raises(
        BadData, match=r"contains neither test nor an archive with it \(it contains photos, sample_submission\.csv\)"
    ):
        opened(PETS, root, tmp_path)


def test_ids_without_any_photo_are_told(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "pets", "test/1.jpg")
    write_csv(root / "sample_submission.csv", "id,label;x1,0.5")
    with pytest.raises(BadData, match=r"No id of .* 'x1'"):
        opened(PETS, root, tmp_path).read_requested_photos()


def test_what_the_manifest_leaves_out_is_no_photo_to_predict(tmp_path: Path) -> None:
    root = tmp_path / "mounted"
    write_photos(root, "test/1.png", "test/masks/1.png")
    write_csv(root / "sample_submission.csv", "id,label;1,0.5")
    manifest = replace(PETS, leave_out=("*/masks",))
    assert asked(opened(manifest, root, tmp_path)) == {"1": "1.png"}
