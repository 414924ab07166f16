"""The precision of frozen features: one for all photos of a backbone, in the names of their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from helpers.members_made import record_of, small_competition

from ensembler.images.views import MIRRORED_VIEW, WHOLE_VIEW
from ensembler.members.features.files import build_feature_path, build_path_in_precision, find_unused_features
from ensembler.members.features.precision import (
    PrecisionDecision,
    choose_runtime,
    load_decision,
    locate_decision,
    read_precision,
    save_decision,
)
from ensembler.storage import write_bytes, write_text

NARROW = PrecisionDecision("bfloat16", "it is twice as fast", 512, 0.5, 0.5001, 0.02)


def test_a_decision_renames_the_features_of_all_views_and_of_no_other_backbone(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    other = replace(record, settings=replace(record.settings, image_size=16))
    views = (WHOLE_VIEW, MIRRORED_VIEW)
    before = [build_feature_path(folder, record, view) for view in views]
    # Files that earlier versions wrote keep their names.
    assert before[0].name == "demo-conv-8-" + before[0].stem[-16:] + ".npy"
    assert before == [build_path_in_precision(folder, record, view, "float32") for view in views]
    others = [build_feature_path(folder, other, view) for view in views]
    assert read_precision(folder, record) == "float32"
    save_decision(folder, record, (), NARROW)
    assert (load_decision(folder, record), read_precision(folder, record)) == (NARROW, "bfloat16")
    after = [build_feature_path(folder, record, view) for view in views]
    assert not set(before) & set(after)
    assert others == [build_feature_path(folder, other, view) for view in views]
    # The settings of heads do not matter, and custom weights do.
    assert (
        read_precision(folder, replace(record, name="x", settings=replace(record.settings, dropout=0.5))) == "bfloat16"
    )
    assert read_precision(folder, record, ("none", "a digest")) == "float32"


def test_a_damaged_decision_counts_as_none(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    write_text(locate_decision(folder, record), '{"precision": "float8", "reason": ""}')
    assert load_decision(folder, record) is None


def test_decisions_are_removed_with_the_last_member_that_uses_them(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    save_decision(folder, record, (), NARROW)
    path = build_feature_path(folder, record, WHOLE_VIEW)
    write_bytes(path, b"7")
    assert find_unused_features(folder, [record], [replace(record, name="another")]) == []
    assert set(find_unused_features(folder, [record], [])) == {path, locate_decision(folder, record)}


def test_a_decision_chooses_the_runtime() -> None:
    assert choose_runtime("bfloat16", "auto") == "openvino-bfloat16"
    assert choose_runtime("float32", "onnx") == "onnx"
