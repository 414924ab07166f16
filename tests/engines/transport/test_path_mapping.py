from __future__ import annotations

import glob
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensembler.engines.transport.path_mapping import PathMapping

MIRROR = Path("/node/job-1")
NAMES = st.text("ab [*]?\n'\"é\\", min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("/data/pets/train.csv", True),
        ("/data/pets/members/b0/fold-0/model.keras", True),
        ("/data/pets", True),
        ("/data", True),
        ("/data/pets/test.csv", False),
        ("/data/pets/train.csv.bak", False),
        ("/data/pets/members-of-mine", False),
        ("/", False),
        ("", False),
        ("data/pets/train.csv", False),
        ("imagenet", False),
    ],
)
def test_paths_at_below_or_above_a_root_are_mapped(text: str, mapped: bool) -> None:
    mapping = PathMapping(MIRROR, ["/data/pets/train.csv", "/data/pets/members/*/fold-?"])
    assert mapping.map_paths({"one": [text, 1, None]}) == {"one": [f"{MIRROR}{text}" if mapped else text, 1, None]}


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_the_folder_of_a_pattern_is_a_root_whatever_its_name(names: list[str]) -> None:
    folder = "/" + "/".join(names)
    mapping = PathMapping(MIRROR, [f"{glob.escape(folder)}/*.npy"])
    assert mapping.map_paths(f"{folder}/any") == f"{MIRROR}{folder}/any"
    assert mapping.restore_text(mapping.map_path(folder)) == folder
