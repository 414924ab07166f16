from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.members_made import small_competition
from helpers.photos import Heard
from PIL import Image

from ensembler.errors import BadChoice
from ensembler.paths import Workspace
from ensembler.workflows.train.preview import show_augmented


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("augmented")
    small_competition(root)
    return Workspace(root / "data", root / "submissions")


def drawn(place: Workspace, file: Path, **options: Any) -> bytes:
    drawn = show_augmented(file, ["b0", "b3"], image_size=24, workspace=place, progress=Heard(), **options)
    assert (drawn.file, drawn.member) == (file, "b0")
    with Image.open(file) as picture:
        assert picture.format == "PNG"
    return file.read_bytes()


def test_the_picture_follows_options_and_seed_and_nothing_is_trained(place: Workspace, tmp_path: Path) -> None:
    before = sorted(place.data.rglob("*"))
    strong = drawn(place, tmp_path / "a.png", augmentation="strong")
    assert drawn(place, tmp_path / "b.png", preset="best", unfreeze="all") == strong
    assert drawn(place, tmp_path / "c.png", augmentation="pixels") != strong
    assert drawn(place, tmp_path / "d.png", augmentation="strong", seed=1) != strong
    assert sorted(place.data.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "notes"),
    [({"unfreeze": "none"}, 1), ({"unfreeze": "all"}, 0), ({"unfreeze": "all", "exclude": "doubts.csv"}, 1)],
    ids=str,
)
def test_what_makes_no_use_of_it_is_told(place: Workspace, tmp_path: Path, options: dict[str, Any], notes: int) -> None:
    heard = Heard()
    show_augmented(tmp_path / "a.png", ["b0"], image_size=24, workspace=place, progress=heard, **options)
    assert len(heard.notes) == notes


@pytest.mark.parametrize(
    ("file", "members", "options", "words"),
    [
        ("a.jpg", ["b0"], {}, "must end in .png. Received: .*a.jpg"),
        ("a.png", ["b00"], {}, "did you mean"),
        ("a.png", [], {}, "at least one"),
        ("a.png", ["b0"], {"augmentation": "weak"}, "augmentation takes none, crops, pixels or strong"),
    ],
)
def test_what_does_not_fit_is_refused(
    place: Workspace, tmp_path: Path, file: str, members: list[str], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadChoice, match=words):
        show_augmented(tmp_path / file, members, workspace=place, **options)
    assert not list(tmp_path.iterdir())
