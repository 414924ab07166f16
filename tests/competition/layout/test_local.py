from __future__ import annotations

import re

import pytest
from helpers.photos import write_csv, write_photo, write_photos

from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.local import choose_test_photos, find_local_layout
from ensembler.competition.manifest import TestLayout, TrainLayout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.errors import BadChoice, BadData, MissingHint

NO_HINTS = Hints()


def found(root, hints=NO_HINTS):
    return find_local_layout(PhotoFiles.list_below(root), "pets", hints, root / "sample_submission.csv")


def chosen(root, share=0.2, seed=0, digests=None):
    files = PhotoFiles.list_below(root)
    digests = digests or {path: path for path in files.paths}
    return choose_test_photos(found(root), files, digests, share, seed)


def photos_of(**classes):
    return [f"{name}/{row}.png" for name, count in classes.items() for row in range(count)]


def test_a_folder_per_class(tmp_path):
    manifest = found(write_photos(tmp_path, *photos_of(car=2, boat=2, bus=2)))
    assert (manifest.task, manifest.classes) == ("multiclass", ("boat", "bus", "car"))
    assert manifest.train == TrainLayout(".", "folders")
    assert manifest.test == TestLayout(".")
    assert manifest.photos == str(tmp_path)
    assert manifest.answer.columns == ("boat", "bus", "car")


@pytest.mark.parametrize(("positive", "classes"), [(None, ("boat", "car")), ("boat", ("car", "boat"))])
def test_two_classes_are_one_column(tmp_path, positive, classes):
    manifest = found(write_photos(tmp_path, *photos_of(car=2, boat=2)), Hints(positive=positive))
    assert (manifest.task, manifest.classes, manifest.answer.columns) == ("binary", classes, classes[-1:])


def test_an_unknown_class(tmp_path):
    with pytest.raises(BadChoice, match=r"did you mean car\?"):
        found(write_photos(tmp_path, *photos_of(car=2, boat=2)), Hints(positive="cars"))


@pytest.mark.parametrize(
    ("text", "task", "classes"),
    [
        ("id,label;0,a;1,b;2,c", "multiclass", ("a", "b", "c")),
        ("id,red,blue;0,1,0;1,0,1;2,1,0", "multiclass", ("red", "blue")),
        ("id,red,blue;0,1,1;1,0,1;2,1,0", "multilabel", ("red", "blue")),
        ("id,tags;0,a b;1,b;2,a", "multilabel", ("a", "b")),
    ],
)
def test_a_table_of_labels(tmp_path, text, task, classes):
    write_csv(tmp_path / "labels.csv", text)
    manifest = found(write_photos(tmp_path, "x/0.png", "x/1.png", "x/2.png"))
    assert (manifest.task, manifest.classes, manifest.train.labels) == (task, classes, "csv")


def test_numbers_to_be_estimated_are_no_classes(tmp_path):
    write_csv(tmp_path / "labels.csv", "id,age;0,20.0;1,21.5;2,20.0")
    write_photos(tmp_path, "x/0.png", "x/1.png", "x/2.png")
    with pytest.raises(BadData, match=r"contains fractional numbers such as 21\.5"):
        found(tmp_path)
    assert found(tmp_path, Hints(metric="accuracy")).classes == ("20.0", "21.5")


def test_photos_without_labels_are_a_question(tmp_path):
    with pytest.raises(MissingHint, match="have no labels: neither"):
        found(write_photos(tmp_path, "1.png", "2.png"))


def test_a_test_folder_is_what_to_predict(tmp_path):
    write_photos(tmp_path, *photos_of(car=2, boat=2), "test/1.png", "test/2.png")
    assert found(tmp_path).test == TestLayout("test")
    ids, hidden = chosen(tmp_path)
    assert ids == ["test/1.png", "test/2.png"]
    assert hidden.empty


@pytest.mark.parametrize(
    ("share", "counts"), [(0.2, {"boat": 1, "car": 4}), (0.5, {"boat": 2, "car": 10}), (0.01, {"boat": 1, "car": 1})]
)
def test_a_share_of_each_class_is_kept_apart(tmp_path, share, counts):
    write_photos(tmp_path, *photos_of(car=20, boat=4))
    ids, hidden = chosen(tmp_path, share)
    assert hidden["label"].value_counts().to_dict() == counts
    assert hidden["id"].tolist() == ids


def test_the_same_seed_chooses_the_same(tmp_path):
    write_photos(tmp_path, *photos_of(car=20, boat=20))
    assert chosen(tmp_path, seed=3)[0] == chosen(tmp_path, seed=3)[0] != chosen(tmp_path, seed=4)[0]


def test_twins_go_to_the_same_side(tmp_path):
    write_photos(tmp_path, *photos_of(car=20, boat=20))
    digests = {path: str(int(path.split("/")[1][:-4]) // 2) + path[0] for path in PhotoFiles.list_below(tmp_path).paths}
    for seed in range(5):
        ids, _ = chosen(tmp_path, 0.3, seed, digests)
        apart = {digests[identity] for identity in ids}
        assert len(ids) == 2 * len(apart) == 12


OWNERS = [f"owner{number}" for number in range(10)]


def owned(root, share, seed, digests=None):
    """Keep a share of photos apart, of two classes, four of each owner; returns how many, and their owners."""
    names = [f"{kind}/{owner}-{row}.png" for owner in OWNERS for kind in ("boat", "car") for row in (1, 2)]
    write_photos(root, *names)
    rows = [f"{name},{name.split('/')[1].split('-')[0]}" for name in names]
    write_csv(root / "owners.csv", "file,owner;" + ";".join(rows))
    ids, hidden = chosen(root, share, seed, digests)
    apart = {re.findall(r"owner\d", identity)[0] for identity in ids}
    assert hidden["label"].value_counts().to_dict() == {"boat": 2 * len(apart), "car": 2 * len(apart)}
    return len(ids), apart


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("share", "count"), [(0.2, 2), (0.5, 5), (0.9, 9), (0.99, 9), (0.01, 1)])
def test_groups_go_to_the_same_side(tmp_path, seed, share, count):
    photos, apart = owned(tmp_path, share, seed)
    assert (photos, len(apart)) == (4 * count, count)


def test_twins_tie_groups_together(tmp_path):
    owned(tmp_path, 0.5, 0)
    files = PhotoFiles.list_below(tmp_path)
    digests = {path: "twin" if path in ("boat/owner3-1.png", "car/owner7-2.png") else path for path in files.paths}
    for seed in range(6):
        _, apart = owned(tmp_path, 0.4, seed, digests)
        assert ("owner3" in apart) == ("owner7" in apart)


def test_a_class_of_one_group_is_left_to_learn_from(tmp_path):
    write_photos(tmp_path, *photos_of(car=20, boat=20), "bus/90.png", "bus/91.png")
    rows = [f"{path},{path.split('/')[1][0]}" for path in PhotoFiles.list_below(tmp_path).paths]
    write_csv(tmp_path / "owners.csv", "file,owner;" + ";".join(rows))
    for seed in range(6):
        _, hidden = chosen(tmp_path, 0.5, seed)
        assert "bus" not in set(hidden["label"])


@pytest.mark.parametrize(
    ("metric", "named"), [(None, "log loss"), ("AUC", "mean column-wise roc auc"), ("QWK", "quadratic weighted kappa")]
)
def test_the_metric(tmp_path, metric, named):
    manifest = found(write_photos(tmp_path, *photos_of(car=2, boat=2, bus=2)), Hints(metric=metric))
    assert (manifest.metric, manifest.answer.kind) == (named, "probabilities")


def test_unreadable_photos_are_not_asked_for(tmp_path):
    write_photos(tmp_path, *photos_of(car=4, boat=4))
    digests = {path: path for path in PhotoFiles.list_below(tmp_path).paths if path != "car/0.png"}
    for seed in range(5):
        assert "car/0.png" not in chosen(tmp_path, 0.5, seed, digests)[0]


@pytest.mark.parametrize("share", [0, 1, -0.1, 20, float("nan")])
def test_a_share_is_between_0_and_1(tmp_path, share):
    write_photos(tmp_path, *photos_of(car=2, boat=2))
    with pytest.raises(BadChoice, match=r"test_size must be between 0 and 1.*Received"):
        chosen(tmp_path, share)


@pytest.mark.parametrize(("counts", "share"), [({"car": 1, "boat": 1}, 0.2), ({"car": 1, "boat": 1}, 0.9)])
def test_too_few_photos(tmp_path, counts, share):
    write_photos(tmp_path, *photos_of(**counts))
    with pytest.raises(BadData, match=r"A share of \S+ of \d+ photos? cannot be held out"):
        chosen(tmp_path, share)


def test_every_class_is_left_to_learn_from(tmp_path):
    write_photos(tmp_path, *photos_of(car=40, boat=2))
    _, hidden = chosen(tmp_path, 0.8)
    assert hidden["label"].value_counts().to_dict() == {"car": 32, "boat": 1}


def test_the_photos_of_one_name_are_named_by_their_paths(tmp_path):
    write_photo(tmp_path / "car" / "1.png", 1)
    write_photos(tmp_path, *photos_of(boat=3))
    ids, _ = chosen(tmp_path, 0.5)
    assert all(identity.endswith(".png") for identity in ids)
