from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from helpers.answers_made import DOGS

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout, add_pixel_keys
from ensembler.competition.pixels import PixelRule
from ensembler.errors import BadData
from ensembler.serialization import format_toml, read_toml
from ensembler.storage import write_text

LEAVES = Manifest(
    name="leaves",
    slug="plant-pathology",
    task="multiclass",
    classes=("rust", "scab", 'it\'s "fine"'),
    photos="/photos/of leaves",
    train=TrainLayout("images", "csv", "train.csv", "image_id", ("r", "s", "f"), incomplete=True),
    test=TestLayout("images"),
    answer=AnswerLayout("sample.csv", "image_id", ("r", "s", "f"), "probabilities"),
)
TAGS = replace(
    LEAVES,
    task="multilabel",
    train=TrainLayout("images", "csv", "train.csv", "image", ("tags",)),
    answer=AnswerLayout("sample.csv", "image", ("tags",), "tags"),
)
DRIVERS = replace(
    LEAVES,
    train=replace(LEAVES.train, groups="drivers.csv", group_id_column="img", group_column="subject"),
    test=TestLayout("test-jpg", ("test-jpg-additional", "more")),
    metric="mean column-wise roc auc",
    code_only=True,
    class_names=("Rust", "Scab", "Fine"),
)
SETS = replace(
    LEAVES,
    train=TrainLayout("train", "folders", "", "", (), False, "folders", "level", "2", ("valid", "train/more"), 1),
    leave_out=("train/overview.jpg", "*/masks"),
)


@pytest.mark.parametrize("manifest", [DOGS, LEAVES, TAGS, DRIVERS, SETS])
def test_it_comes_back_as_it_was_saved(tmp_path, manifest):
    path = tmp_path / "competition.toml"
    manifest.save(path)
    assert Manifest.load(path) == manifest


def test_it_explains_itself_and_shows_no_empty_keys(tmp_path):
    DOGS.save(tmp_path / "competition.toml")
    text = (tmp_path / "competition.toml").read_text("utf-8")
    assert text.startswith("# Properties of this competition")
    assert "a binary task predicts the probability of the last one" in text
    assert read_toml(tmp_path / "competition.toml")["train"] == {"folder": "train", "labels": "names"}


def test_the_fingerprint_of_earlier_manifests_stays():
    # Tables of earlier versions stay current.
    assert DOGS.fingerprint == "e08edce333a02148"


OLD = """
name = "dogs"
slug = "dogs-vs-cats-redux-kernels-edition"
task = "binary"
classes = ["cat", "dog"]
photos = "raw/extracted"
metric = "log loss"

[train]
folder = "train"
labels = "names"

[test]
folder = "test"

[answer]
sample = "sample_submission.csv"
id_column = "id"
columns = ["label"]
kind = "probabilities"
"""


def test_manifests_of_the_first_version_load(tmp_path):
    (tmp_path / "competition.toml").write_text(OLD, "utf-8")
    assert Manifest.load(tmp_path / "competition.toml") == DOGS


def test_what_is_not_said_is_not_written(tmp_path):
    DOGS.save(tmp_path / "competition.toml")
    assert read_toml(tmp_path / "competition.toml").keys() == tomllib.loads(OLD).keys()
    assert read_toml(tmp_path / "competition.toml")["test"] == {"folder": "test"}


@pytest.mark.parametrize(
    ("manifest", "outputs", "sums_to_one"),
    [(DOGS, ("dog",), False), (LEAVES, LEAVES.classes, True), (TAGS, TAGS.classes, False)],
)
def test_outputs(manifest, outputs, sums_to_one):
    assert manifest.outputs == outputs
    assert manifest.sums_to_one == sums_to_one


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (DOGS, "binary: `label` is the probability of 'dog', not 'cat'"),
        (LEAVES, 'multiclass: one class per photo, 3 classes (rust, scab, it\'s "fine")'),
        (DRIVERS, 'multiclass: one class per photo, 3 classes (rust (Rust), scab (Scab), it\'s "fine" (Fine))'),
        (replace(DOGS, class_names=("Cat", "Dog")), "binary: `label` is the probability of 'Dog', not 'Cat'"),
        (replace(DOGS, answer=replace(DOGS.answer, kind="label")), "binary: `label` is 'cat' or 'dog'"),
        (TAGS, 'multilabel: any number of classes per photo, 3 classes (rust, scab, it\'s "fine")'),
        (
            replace(LEAVES, classes=tuple("abcdefgh")),
            "multiclass: one class per photo, 8 classes (a, b, c, d, e, f, ...)",
        ),
    ],
)
def test_sentence(manifest, says):
    assert manifest.describe() == says


@pytest.mark.parametrize(
    "other",
    [
        replace(DOGS, classes=("dog", "cat")),
        replace(DOGS, photos="elsewhere"),
        replace(DOGS, train=replace(DOGS.train, folder="train2")),
        replace(DOGS, answer=replace(DOGS.answer, sample="other.csv")),
    ],
)
def test_the_fingerprint_tells_manifests_apart(other):
    assert DOGS.fingerprint == replace(DOGS).fingerprint != other.fingerprint


def edited(tmp_path, manifest, section, **keys):
    """Save ``manifest`` and edit it as a person would; a key set to None is deleted."""
    path = tmp_path / "competition.toml"
    manifest.save(path)
    content = read_toml(path)
    table = content[section] if section else content
    table.update(keys)
    for key in [key for key, value in keys.items() if value is None]:
        del table[key]
    write_text(path, format_toml("", content))
    return path


@pytest.mark.parametrize(
    ("manifest", "section", "keys", "says"),
    [
        (DOGS, "", {"classes": None}, "the field classes is missing: correct it, or delete"),
        (
            DOGS,
            "answer",
            {"colums": ["a"]},
            r"unknown keys: answer.colums\. Known keys are sample, id_column, columns, kind",
        ),
        (DOGS, "", {"clases": ["a"]}, r"unknown keys: clases\. Known keys are name, slug, task, classes"),
        (DOGS, "train", {"folder": None}, r"the field train\.folder is missing"),
        (DOGS, "", {"train": None}, "the field train is missing"),
        (DOGS, "", {"answer": "x"}, "answer must be a table, not text in quotes"),
        (DOGS, "", {"task": "both"}, "task must be one of binary, multiclass, multilabel, not 'both'"),
        (DOGS, "", {"task": 2}, "task must be text in quotes, not a whole number"),
        (DOGS, "train", {"labels": "file"}, r"train\.labels must be one of names, folders, csv"),
        (DOGS, "answer", {"kind": "logits"}, r"answer\.kind must be one of probabilities, label, tags"),
        (DOGS, "", {"classes": "cat"}, "classes must be a list, not text in quotes"),
        (DOGS, "", {"classes": [0, 1]}, r"classes\[0\] must be text in quotes, not a whole number"),
        (DOGS, "", {"classes": ["cat", "cat"]}, "at least two different classes"),
        (DOGS, "", {"classes": ["cat"]}, "at least two different classes"),
        (DOGS, "", {"classes": ["a", "b", "c"]}, "a binary task has two classes"),
        (DOGS, "", {"classes": ["a", "b|c"]}, r"must not be empty or contain '\|'"),
        (DOGS, "", {"classes": ["a", " "]}, "must not be empty"),
        (DOGS, "test", {"folder": 3}, r"test\.folder must be text in quotes, not a whole number"),
        (LEAVES, "train", {"incomplete": "yes"}, r"train\.incomplete must be true or false, not text in quotes"),
        (LEAVES, "", {"classes": ["rust", "scab"]}, r"answer\.columns must name 2 column"),
        (
            LEAVES,
            "train",
            {"columns": ["r", "s"]},
            r"train\.columns must name one column of labels, or 3 columns, one per class",
        ),
        (LEAVES, "train", {"file": None}, r"labels = 'csv' also needs train\.file and train\.id_column"),
        (
            DRIVERS,
            "train",
            {"group_column": None},
            r"train\.groups also needs train\.group_id_column and train\.group_column",
        ),
        (DRIVERS, "", {"class_names": ["Rust"]}, "class_names must contain 3 names, one per class"),
        (DRIVERS, "", {"code_only": "yes"}, "code_only must be true or false, not text in quotes"),
        (DRIVERS, "test", {"more_folders": "more"}, r"test\.more_folders must be a list"),
        (
            SETS,
            "train",
            {"group_column": "patient"},
            r"needs the level of these folders as train\.group_column, .*'patient'",
        ),
        (SETS, "train", {"group_column": "0"}, r"needs the level of these folders as train\.group_column, .*'0'"),
        (SETS, "train", {"class_level": -1}, r"train\.class_level must be at least 0\. Received: -1"),
        (TAGS, "answer", {"columns": ["a", "b", "c"]}, r"answer\.columns must name 1 column"),
        (TAGS, "answer", {"kind": "flag"}, r"answer\.kind = 'flag' needs two classes"),
    ],
)
def test_what_a_person_may_get_wrong(tmp_path, manifest, section, keys, says):
    path = edited(tmp_path, manifest, section, **keys)
    with pytest.raises(BadData, match=says) as caught:
        Manifest.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("level", "folder", "label"),
    [
        (0, "train/cat", "cat"),
        (0, "train/cat/more", "more"),
        (1, "train/cat/more", "cat"),
        (2, "train/cat/more", "more"),
        (2, "train/cat", ""),
        (0, "train", ""),
        (1, "valid/valid/dog", "dog"),
        (1, "train/more/dog", "dog"),
    ],
)
def test_the_class_that_a_folder_names(level, folder, label):
    layout = TrainLayout("train", "folders", more_folders=("valid/valid", "train/more"), class_level=level)
    if folder == "train/cat/more":
        layout = replace(layout, more_folders=())
    assert layout.extract_class(folder) == label
    assert TrainLayout(".", "folders").extract_class("dog") == "dog"
    assert TrainLayout(".", "folders").extract_class("") == ""


@pytest.mark.parametrize("content", [None, b"task = ", b"\xff"])
def test_what_is_no_toml(tmp_path, content):
    path = tmp_path / "competition.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        BadData, match=r"Cannot read .*competition\.toml.*correct it, or delete it and fetch or adopt again"
    ):
        Manifest.load(path)


@pytest.mark.parametrize(
    ("metric", "says"),
    [("log los", "did you mean log loss"), ("", "metric")],
)
def test_a_metric_that_is_none_is_told_before_anything_is_trained(tmp_path, metric, says):
    path = tmp_path / "competition.toml"
    replace(DOGS, metric=metric).save(path)
    with pytest.raises(BadData, match=rf"competition\.toml.*{says}"):
        Manifest.load(path)


@pytest.mark.parametrize("change", [{"metric": "accuracy"}, {"code_only": False}, {"class_names": ()}])
def test_what_the_tables_do_not_depend_on_leaves_its_fingerprint(change):
    assert replace(DRIVERS, **change) != DRIVERS
    assert replace(DRIVERS, **change).fingerprint == DRIVERS.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"task": "multilabel"},
        {"classes": ("rust", "scab", "fine")},
        {"photos": "elsewhere"},
        {"train": replace(DRIVERS.train, groups="")},
        {"test": TestLayout("test-jpg")},
        {"answer": replace(DRIVERS.answer, sample="other.csv")},
        {"train": replace(DRIVERS.train, more_folders=("more",))},
        {"train": replace(DRIVERS.train, class_level=1)},
        {"leave_out": ("masks",)},
    ],
)
def test_what_the_tables_depend_on_changes_its_fingerprint(change):
    assert replace(DRIVERS, **change).fingerprint != DRIVERS.fingerprint


CUT_OUTS = PixelRule("white", unsigned=(0, 4095), floats=(-0.5, 1.25))


def test_the_rule_of_pixels_comes_back_and_counts(tmp_path):
    path = tmp_path / "competition.toml"
    replace(LEAVES, pixels=CUT_OUTS).save(path)
    assert read_toml(path)["pixels"] == {"ground": "white", "unsigned": [0, 4095], "floats": [-0.5, 1.25]}
    assert Manifest.load(path).pixels == CUT_OUTS
    assert replace(LEAVES, pixels=CUT_OUTS).fingerprint != replace(LEAVES, pixels=PixelRule("white")).fingerprint
    LEAVES.save(path)
    assert "pixels" not in read_toml(path)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[pixels]",
        "\n[pixels]\nground = 'white'\n",
        "  [ pixels ]   # mine\r\nground = 'white' # on white\r\n",
        "[pixels]\nfloats = [-0.5, 1.25]\nground = 'white'\n[not.ours]",
    ],
)
def test_keys_of_the_rule_are_added_to_a_file_and_nothing_else_changes(tmp_path, written):
    path = tmp_path / "competition.toml"
    written = written.replace("[not.ours]", "# the end")
    write_text(path, LEAVES.text + "# my comment\n" + written)
    before = path.read_text("utf-8").splitlines()
    assert add_pixel_keys(path, CUT_OUTS) == replace(LEAVES, pixels=CUT_OUTS) == Manifest.load(path)
    left = [line for line in path.read_text("utf-8").splitlines() if line in before]
    assert [line for line in left if line] == [line.rstrip() for line in before if line]


def test_a_section_that_cannot_be_completed_is_told(tmp_path):
    path = tmp_path / "competition.toml"
    write_text(path, "pixels = {ground = 'white'}\n" + LEAVES.text)
    with pytest.raises(BadData, match=r"add these lines below \[pixels\], each on its own: unsigned = \[0, 4095\]"):
        add_pixel_keys(path, CUT_OUTS)
    assert Manifest.load(path).pixels == PixelRule("white")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("ground = 'pink'", "pixels.ground must be one of"),
        ("unsigned = [5]", "pixels.unsigned must be two numbers, the lower one first"),
        ("floats = [1, 0]", "pixels.floats must be two numbers, the lower one first"),
        ("colour = 3", "unknown keys: pixels.colour"),
    ],
)
def test_wrong_rules_of_pixels_are_refused(tmp_path, lines, message):
    path = tmp_path / "competition.toml"
    write_text(path, f"{LEAVES.text}\n[pixels]\n{lines}\n")
    with pytest.raises(BadData, match=message):
        Manifest.load(path)
