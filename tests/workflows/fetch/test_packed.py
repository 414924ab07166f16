"""Folders with archives inside."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.photos import Heard, photo_bytes, write_csv, write_photo, zip_bytes

from ensembler.competition.layout.hints import Hints
from ensembler.errors import BadChoice, BadData, MissingHint
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch

TRAIN = {
    f"{kind}/{kind}{row}.jpg": photo_bytes(row + 10 * (kind == "bee")) for kind in ("ant", "bee") for row in range(6)
}
TEST = {f"t{row}.jpg": photo_bytes(40 + row) for row in range(3)}


@pytest.fixture(params=["train/", ""])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with archives whose entries begin with the archive's name, or not."""
    root = tmp_path / "downloads"
    write_csv(root / "sample_submission.csv", "id,ant,bee;t0,0.5,0.5;t1,0.5,0.5;t2,0.5,0.5")
    members = {request.param + name: content for name, content in TRAIN.items()}
    (root / "train.zip").write_bytes(zip_bytes(members))
    for name, content in TEST.items():
        (root / "test").mkdir(exist_ok=True)
        (root / "test" / name).write_bytes(content)
    return root


def list_files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_archives_are_unpacked_elsewhere(packed: Path, workspace: Workspace) -> None:
    before, heard = list_files(packed), Heard()
    result = adopt(packed, "packed", workspace=workspace, progress=heard)
    assert (result.training, result.test, result.manifest.train.labels) == (12, 3, "folders")
    assert result.manifest.photos == "raw/extracted"
    assert any(
        f"the files of 1 archive of {packed} (train.zip), and links to its other" in note for note in heard.notes
    )
    assert list_files(packed) == before
    assert sum(found.count for found in result.files) == 16
    assert not (result.folder.extracted / "train.zip").exists()
    assert (result.folder.extracted / "test" / "t0.jpg").read_bytes() == TEST["t0.jpg"]


def test_the_same_folder_is_not_unpacked_again_unless_it_changed(packed: Path, workspace: Workspace) -> None:
    adopt(packed, "packed", workspace=workspace)
    heard = Heard()
    adopt(packed, "packed", workspace=workspace, progress=heard)
    assert adopt(packed, "packed", hints=Hints(metric="accuracy"), workspace=workspace, progress=heard).training == 12
    assert not [label for label in heard.labels if label.startswith("unpack")]
    write_photo(packed / "test" / "t9.jpg", 99)
    result = adopt(packed, "packed", hints=Hints(metric="accuracy"), workspace=workspace, progress=heard)
    assert [label for label in heard.labels if label.startswith("unpack")] == ["unpack train.zip"]
    assert ("left out", "the sample submission does not ask for it", 1) in [
        (found.use, found.reason, found.count) for found in result.files
    ]


def test_the_name_belongs_to_the_folder(packed: Path, workspace: Workspace, tmp_path: Path) -> None:
    adopt(packed, "packed", workspace=workspace)
    other = tmp_path / "other"
    write_photo(other / "a" / "1.png")
    with pytest.raises(BadChoice, match="already the name of another competition"):
        adopt(other, "packed", workspace=workspace)
    archive = tmp_path / "all.zip"
    archive.write_bytes(zip_bytes({"train.zip": (packed / "train.zip").read_bytes()}))
    with pytest.raises(BadChoice, match=f"created from {packed}"):
        fetch("packed", archive=archive, workspace=workspace)


def test_an_unpacked_folder_is_used_where_it_is(packed: Path, workspace: Workspace) -> None:
    for name, content in TRAIN.items():
        (packed / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        (packed / "train" / name).write_bytes(content)
    result = adopt(packed, "packed", workspace=workspace)
    assert result.manifest.photos == str(packed)
    assert not result.folder.raw.exists()
    assert any(found.reason == "it is an archive that is not unpacked" for found in result.files)


def test_a_damaged_archive_is_told(packed: Path, workspace: Workspace) -> None:
    (packed / "train.zip").write_bytes(b"PK nothing")
    heard = Heard()
    with pytest.raises(MissingHint, match="have no labels"):
        adopt(packed, "packed", workspace=workspace, progress=heard)
    assert any("train.zip in" in warning and "kept as it is" in warning for warning in heard.warnings)


def test_the_limit_of_the_unpacked_size(packed: Path, workspace: Workspace) -> None:
    with pytest.raises(BadData, match=r"train\.zip in .* may be a zip bomb.*raise the limit with"):
        adopt(packed, "packed", unpack_limit=1e-6, workspace=workspace)
