from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from helpers.members_made import SETTINGS

from ensembler.images.views import MIRRORED_VIEW, VIEWS, WHOLE_VIEW
from ensembler.members.features.files import PARTS_SUFFIX, build_feature_path, find_unused_features
from ensembler.members.records import MemberRecord
from ensembler.paths import CompetitionFolder
from ensembler.storage import write_bytes

RECORD = MemberRecord("demo-conv", SETTINGS, "samples", "folds", 3, ("a", "b"))


def like(name: str, **settings: object) -> MemberRecord:
    changed = dataclasses.replace(SETTINGS, **settings)  # type: ignore[arg-type]
    return dataclasses.replace(RECORD, name=name, settings=changed)


@pytest.fixture
def folder(tmp_path: Path) -> CompetitionFolder:
    return CompetitionFolder(tmp_path / "made")


def test_members_of_the_same_backbone_and_weights_share_features(folder: CompetitionFolder) -> None:
    other = like("demo-conv@x", flips=not SETTINGS.flips, hidden=7, tta="flip")
    assert build_feature_path(folder, RECORD, WHOLE_VIEW) == build_feature_path(folder, other, WHOLE_VIEW)
    assert build_feature_path(folder, RECORD, WHOLE_VIEW) != build_feature_path(folder, RECORD, MIRRORED_VIEW)


@pytest.mark.parametrize(
    "changed",
    [{"backbone": "demo-dense"}, {"weights": "0" * 64}, {"image_size": 16}, {"pooling": "max"}, {"seed": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_makes_other_features_makes_another_file(folder: CompetitionFolder, changed: dict[str, object]) -> None:
    assert build_feature_path(folder, like("x", **changed), WHOLE_VIEW) != build_feature_path(
        folder, RECORD, WHOLE_VIEW
    )


def test_backends_round_differently_so_each_has_features_of_its_own(folder: CompetitionFolder) -> None:
    own = build_feature_path(folder, RECORD, WHOLE_VIEW)
    # The name that versions without another backend gave it.
    assert own.name == "demo-conv-8-5b42190e3a8d3cff.npy"
    assert build_feature_path(folder, dataclasses.replace(RECORD, backend="jax"), WHOLE_VIEW) != own


def write_features(folder: CompetitionFolder, *records: MemberRecord) -> set[str]:
    own = ("tf", "digest")
    paths = {
        build_feature_path(folder, record, view, own if record.settings.builder else ())
        for record in records
        for view in VIEWS["flip"]
    }
    for path in paths:
        write_bytes(path, b"features")
    return {path.name for path in paths}


OWN = {"backbone": "mine", "builder": "nets:build", "preprocessing": "tf", "weights": "own"}


@pytest.mark.parametrize(
    ("removed", "remaining", "kept"),
    [
        (RECORD, [], False),
        (RECORD, [like("demo-conv@x", hidden=3)], True),
        (RECORD, [like("demo-conv@x", pooling="max")], False),
        (RECORD, [like("mine", **OWN)], False),
        (like("mine", **OWN), [], False),
        # Whose weights these are would be known by building the network.
        (like("mine", **OWN), [like("mine@x", **OWN, pooling="max")], True),
        (like("mine", **OWN), [like("mine@x", **OWN, image_size=96)], False),
    ],
)
def test_features_go_with_the_last_member_that_uses_them(
    folder: CompetitionFolder, removed: MemberRecord, remaining: list[MemberRecord], kept: bool
) -> None:
    mine, theirs = write_features(folder, removed), write_features(folder, *remaining)
    strange = folder.features / "demo-conv-8-of-mine.npy"
    write_bytes(strange, b"features")
    unused = {path.name for path in find_unused_features(folder, [removed], remaining)}
    assert unused == (set() if kept else mine)
    assert not unused & theirs
    assert strange.name not in unused


def test_files_of_former_photos_go_too(folder: CompetitionFolder) -> None:
    former = write_features(folder, dataclasses.replace(RECORD, samples="former"))
    assert {path.name for path in find_unused_features(folder, [RECORD], [])} == former


def test_what_was_computed_of_an_unfinished_file_goes_with_it(folder: CompetitionFolder) -> None:
    paths = [build_feature_path(folder, like("x", image_size=size), WHOLE_VIEW) for size in (16, 32)]
    unfinished = [path.with_name(path.name + PARTS_SUFFIX) for path in paths]
    for path in unfinished:
        path.mkdir(parents=True)
    assert find_unused_features(folder, [like("x", image_size=16)], [like("y", image_size=32)]) == unfinished[:1]
