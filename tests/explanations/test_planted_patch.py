"""Real photos and weights: maps of the folds' networks lie on a planted patch that alone decides the class."""

from __future__ import annotations

from pathlib import Path

import pytest
from explanations import measure, plant
from labelled_photos import competition_of

from ensembler.competition.tables import load_tables
from ensembler.paths import Workspace
from ensembler.progress import SILENT
from ensembler.workflows.explain import explain
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.train.train import train_members

SHARED = Path(__file__).parents[3] / "shared"
ARCHIVE, WEIGHTS = SHARED / "data" / "dogs-vs-cats-mini.zip", SHARED / "weights"
PATCH = 64

pytestmark = [
    pytest.mark.slow,
    pytest.mark.shared,
    pytest.mark.skipif(not ARCHIVE.is_file(), reason="the photos are not here"),
]


def test_the_map_of_a_real_backbone_lies_on_the_patch(tmp_path: Path, workspace: Workspace) -> None:
    photos = load_tables(competition_of(ARCHIVE, 160, tmp_path / "work", SILENT)).train_paths
    corners = plant(photos, tmp_path / "planted", PATCH)
    adopt(tmp_path / "planted", workspace=workspace)
    [member] = train_members(["mobilenet"], weights=str(WEIGHTS), unfreeze="none", folds=2, workspace=workspace)
    assert member.accuracy > 0.9
    tables = load_tables(workspace.current(None))
    found = explain(tables.train["id"].tolist()[:60], member="mobilenet", workspace=workspace).photos
    assert all(photo.out_of_fold for photo in found)
    places = [corners[f"{photo.label}/{photo.photo.name}"] for photo in found]
    on_patch, on_other = (
        measure([photo.heat for photo in found], [pair[which] for pair in places], PATCH, 0) for which in (0, 1)
    )
    # Each of both patches covers 8 % of the photo.
    assert on_patch > 0.65
    assert on_other < 0.1
