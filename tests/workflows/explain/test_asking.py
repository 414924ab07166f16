"""Photos that a call names, and the folder of their pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.members_made import small_competition
from helpers.photos import Heard, write_photo
from PIL import Image

from ensembler.competition.folds.file import load_folds
from ensembler.errors import BadChoice
from ensembler.explanations.asked import AskedPhoto, KnownPhotos
from ensembler.explanations.pictures import save_picture
from ensembler.workflows.explain.asking import keep_pictures_apart, list_asked


def list_photos(*places: Path) -> list[AskedPhoto]:
    return list_asked(list(places), None)


def test_a_photo_that_is_named_twice_is_explained_once(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    known, path = KnownPhotos(tables, load_folds(folder, tables)), tables.train_paths[3]
    asked = list_asked([tables.train["id"][3], path, path.parent], known)
    assert [photo.path for photo in asked].count(str(path)) == 1
    assert asked[0].path == str(path)
    assert len(list_photos(path, path)) == 1


@pytest.mark.parametrize("output", ["photos", "photos/../photos", "link"])
def test_a_picture_never_replaces_another_file(tmp_path: Path, output: str) -> None:
    """The picture of ``1.jpg`` is called ``1.png``, as a photo that lies there."""
    photo = write_photo(tmp_path / "photos" / "1.jpg")
    before = write_photo(tmp_path / "photos" / "1.png").read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    for named in (photo, photo.parent):
        with pytest.raises(BadChoice, match=r"1\.png is in the place of a picture"):
            keep_pictures_apart(list_photos(named), tmp_path / output, Heard())
    assert (tmp_path / "photos" / "1.png").read_bytes() == before


def test_earlier_pictures_are_replaced_and_not_explained(tmp_path: Path) -> None:
    photo, output, heard = write_photo(tmp_path / "1.jpg"), tmp_path / "explanations", Heard()
    output.mkdir()
    save_picture(Image.new("RGB", (8, 8)), output / "1.png")
    left = keep_pictures_apart(list_photos(tmp_path), output, heard)
    assert [photo.path for photo in left] == [str(photo)]
    assert heard.notes == ["Left out 1 picture of earlier explanations: 1.png."]
    with pytest.raises(BadChoice, match="only pictures of earlier explanations"):
        keep_pictures_apart(list_photos(output), output, heard)
