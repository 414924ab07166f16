from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensembler.competition.photo_names import extract_folder, extract_name, extract_stem, extract_suffix

PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1).filter(lambda part: part != ".")


def assert_as_pathlib(path: str) -> None:
    expected = PurePosixPath(path)
    folder = "" if str(expected.parent) == "." else str(expected.parent)
    named = (expected.name, expected.stem, expected.suffix, folder)
    assert (extract_name(path), extract_stem(path), extract_suffix(path), extract_folder(path)) == named


@pytest.mark.parametrize(
    "path",
    ["a.jpg", "train/a.jpg", "train/cat.12.JPG", "x/y/z", "x/.hidden", "x/.hidden.png", "x/a.", "a..png"],
)
def test_parts_are_those_of_pathlib(path: str) -> None:
    assert_as_pathlib(path)


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_parts_of_any_path_are_those_of_pathlib(parts: list[str]) -> None:
    assert_as_pathlib("/".join(parts))
