"""Explanations of the demo's photos: the stack's file, the folds' networks, and the pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Demo
from helpers.jobs_here import replace_local_engine
from helpers.photos import Heard, write_photo
from PIL import Image

from ensembler.competition.tables import Tables, load_tables
from ensembler.engines.local import LocalEngine
from ensembler.errors import BadChoice, BadData, Interrupted, Mismatch
from ensembler.members.records import MemberRecord, load_fold
from ensembler.progress import Progress
from ensembler.serialization import read_json
from ensembler.storage import write_text
from ensembler.workflows.explain.explain import explain, explain_training_rows
from ensembler.workflows.explain.result import Explanations
from ensembler.workflows.predict import predict

# The demo trains and stacks real members.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_local_engine(monkeypatch)


@pytest.fixture(scope="module")
def tables(demo: Demo) -> Tables:
    return load_tables(demo.folder)


@pytest.fixture(scope="module")
def explained(demo: Demo, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Explanations:
    """Two training photos by id and by path, and a photo to predict, with pictures."""
    patch, output = pytest.MonkeyPatch(), tmp_path_factory.mktemp("explained")
    replace_local_engine(patch)
    photos = [tables.train["id"][0], str(tables.train_paths[5]), str(tables.test_paths[0])]
    try:
        # Other tests stack the demo again.
        name = demo.stacked.name
        return explain(photos, stack=name, members=True, output=output, workspace=demo.workspace)
    finally:
        patch.undo()


def test_training_photos_are_explained_by_the_networks_that_held_them_out(
    demo: Demo, tables: Tables, explained: Explanations
) -> None:
    assert [photo.out_of_fold for photo in explained.photos] == [True, True, False]
    assert [photo.label for photo in explained.photos] == [*tables.train["label"][[0, 5]], ""]
    for photo in explained.photos[:2]:
        for member in photo.members:
            record = MemberRecord.load(demo.folder, member.name)
            parts = [load_fold(demo.folder, record, fold)[0] for fold in range(record.folds_count)]
            [stored] = [part.held_out[part.held_out_ids == photo.id] for part in parts if photo.id in part.held_out_ids]
            expected = stored[0][list(tables.manifest.outputs).index(photo.class_name)]
            assert member.probability == pytest.approx(expected, abs=1e-5)


def test_other_photos_are_explained_by_the_file_of_the_stack(demo: Demo, explained: Explanations) -> None:
    last = explained.photos[-1]
    file = demo.folder.stack(demo.stacked.name) / "stack.keras"
    [expected] = predict([last.photo], stack=demo.stacked.name, workspace=demo.workspace).probabilities
    np.testing.assert_allclose(list(last.probabilities.values()), expected, atol=1e-5)
    assert (last.class_name, last.predicted) == (list(last.probabilities)[expected.argmax()],) * 2
    by_file = explain([last.photo], model=file, workspace=demo.workspace)
    np.testing.assert_allclose(by_file.heat[0], last.heat, atol=1e-6)


def test_the_maps_are_shares_of_evidence(explained: Explanations) -> None:
    for photo in explained.photos:
        assert photo.heat.shape == (56, 56)
        assert photo.heat.sum() == pytest.approx(1, abs=1e-3)
        assert 0 < photo.half_area < 0.5
        assert sum(member.share for member in photo.members) == pytest.approx(1, abs=1e-3)
    methods = {member.name: member.method for member in explained.photos[0].members}
    assert methods == {
        "demo-conv": "HiResCAM of two layers",
        "demo-dense": "gradient times input",
        "demo-separable": "HiResCAM of two layers",
    }


def test_each_photo_has_a_picture_and_a_row(explained: Explanations) -> None:
    for photo in explained.photos:
        assert photo.picture is not None
        with Image.open(photo.picture) as picture:
            assert picture.width > 4 * 336
    assert len(list(Path(str(explained.output)).iterdir())) == 3
    table = str(explained)
    assert "by the folds' networks that never saw them: 2 photos" in table
    assert "by gradient times input, because they have no feature maps: demo-dense" in table
    plain = json.loads(json.dumps(explained.to_json()))
    assert [photo["class"] for photo in plain["photos"]] == [photo.class_name for photo in explained.photos]


@pytest.mark.parametrize("asked", ["7", "true"])
def test_another_class_is_explained_where_asked(demo: Demo, tables: Tables, asked: str) -> None:
    heard, photos = Heard(), [tables.train["id"][3], tables.test_paths[0]]
    found = explain(photos, class_name=asked, member="demo-conv", workspace=demo.workspace, progress=heard)
    expected = ["7", "7"] if asked == "7" else [tables.train["label"][3], found.photos[1].predicted]
    assert [photo.class_name for photo in found.photos] == expected
    assert found.members == ("demo-conv",)
    said = "The predicted class is explained for 1 photo without a known label."
    assert (said in heard.notes) == (asked == "true")


def test_rows_of_a_report_are_explained_in_one_job(demo: Demo, tables: Tables, explained: Explanations) -> None:
    labels = list(tables.train["label"][[5, 0, 9]])
    found = explain_training_rows(
        demo.folder, tables, [5, 0, 9], stack=demo.stacked.name, class_names=labels, engine=LocalEngine(None)
    )
    assert [photo.id for photo in found] == list(tables.train["id"][[5, 0, 9]])
    assert [photo.class_name for photo in found] == labels
    same = {photo.id: photo for photo in explained.photos if photo.class_name == photo.label}
    for photo in found:
        if photo.id in same:
            np.testing.assert_allclose(photo.heat, same[photo.id].heat, atol=1e-6)
    by_members = explain_training_rows(
        demo.folder, tables, [5], members=["demo-conv", "demo-separable"], engine=LocalEngine(None)
    )
    assert [member.name for member in by_members[0].members] == ["demo-conv", "demo-separable"]


def test_photos_that_cannot_be_decoded_are_named_and_left_out(demo: Demo, tmp_path: Path) -> None:
    good, bad = write_photo(tmp_path / "good.png"), tmp_path / "bad.png"
    write_text(bad, "no photo")
    heard = Heard()
    found = explain([bad, good], member="demo-conv", workspace=demo.workspace, progress=heard)
    assert ([photo.photo for photo in found.photos], found.unreadable) == ([good], (bad,))
    assert any("bad.png cannot be read as a photo" in text for text in heard.warnings)
    with pytest.raises(BadData, match="None of 1 photo can be decoded"):
        explain([bad], member="demo-conv", workspace=demo.workspace)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stack": "a", "model": "b.keras"}, "Name one of"),
        ({"class_name": "cat"}, "cat"),
        ({"stack": "nobody"}, "nobody"),
        ({"member": "nobody"}, "nobody"),
        ({"model": "a.onnx"}, "no gradients"),
    ],
)
def test_what_does_not_exist_is_refused(demo: Demo, tables: Tables, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadChoice, match=message):
        explain([tables.train["id"][0]], workspace=demo.workspace, **options)


def test_a_photo_that_does_not_exist_is_refused(demo: Demo) -> None:
    with pytest.raises(BadChoice, match=r"nothing\.png is neither a file nor the id"):
        explain(["nothing.png"], workspace=demo.workspace)


def test_a_member_trained_again_after_the_stack_is_refused(
    demo: Demo, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = demo.folder.stack(demo.stacked.name) / "stack.json"
    before = path.read_text("utf-8")
    summary = read_json(path)
    summary["members"][0]["fingerprint"] = "another"
    write_text(path, json.dumps(summary))
    try:
        with pytest.raises(Mismatch, match="was trained again after the stack"):
            explain([tables.train["id"][0]], workspace=demo.workspace)
    finally:
        write_text(path, before)


def test_an_interrupted_call_writes_nothing(demo: Demo, tables: Tables, tmp_path: Path) -> None:
    class Stopping(Progress):
        stopping = True

    with pytest.raises(Interrupted):
        explain(
            [tables.train["id"][0]],
            member="demo-conv",
            output=tmp_path / "out",
            workspace=demo.workspace,
            progress=Stopping(),
        )
    assert list(tmp_path.rglob("*.png")) == []
