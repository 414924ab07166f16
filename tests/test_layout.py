from __future__ import annotations

import pytest
from photos import write_csv, write_photos

from ensembler.competition.layout import Hints, find_layout
from ensembler.competition.manifest import AnswerLayout, TestLayout, TrainLayout
from ensembler.errors import BadChoice, BadData, Question

NO_HINTS = Hints()
PETS = ("cat.1.jpg", "cat.12.jpg", "dog.1.jpg", "dog.2.jpg")
SAMPLE = "id,label;1,0.5;2,0.5"


def made(root, photos, **tables):
    """Write photos and tables; ``train_csv`` is written as train.csv."""
    write_photos(root, *photos)
    for name, text in tables.items():
        write_csv(root / name.replace("_csv", ".csv"), text)
    return root


def found(root, hints=NO_HINTS, slug=""):
    return find_layout(root, "pets", slug, hints, "raw/extracted")


def below(folder, *names):
    return [f"{folder}/{name}" for name in names]


def test_dogs_vs_cats(tmp_path):
    root = made(tmp_path, below("train", *PETS) + below("test", "1.jpg", "2.jpg"), sample_submission_csv=SAMPLE)
    manifest = found(root, slug="dogs-vs-cats-redux-kernels-edition")
    assert (manifest.task, manifest.classes) == ("binary", ("cat", "dog"))
    assert manifest.train == TrainLayout("train", "names")
    assert manifest.test == TestLayout("test")
    assert manifest.answer == AnswerLayout("sample_submission.csv", "id", ("label",), "probabilities")
    assert (manifest.name, manifest.slug, manifest.photos) == (
        "pets",
        "dogs-vs-cats-redux-kernels-edition",
        "raw/extracted",
    )


@pytest.mark.parametrize("top", ["", "dogs/", "a/b/"])
def test_sets_may_lie_deeper(tmp_path, top):
    photos = below(f"{top}train", *PETS) + below(f"{top}test1/test1", "1.jpg", "2.jpg")
    manifest = found(made(tmp_path, photos, sample_submission_csv=SAMPLE), Hints(positive="cat"))
    assert manifest.train.folder == f"{top}train"
    assert manifest.test.folder == f"{top}test1"
    assert manifest.classes == ("dog", "cat")


def test_a_class_per_folder(tmp_path):
    photos = below("imgs/train/c0", "7.jpg", "8.jpg") + below("imgs/train/c1", "9.jpg") + below("imgs/test", "1.jpg")
    root = made(tmp_path, photos, sample_submission_csv="img,c1,c0;1.jpg,0.5,0.5")
    manifest = found(root)
    assert (manifest.task, manifest.classes) == ("multiclass", ("c1", "c0"))
    assert manifest.train == TrainLayout("imgs/train", "folders")
    assert manifest.answer == AnswerLayout("sample_submission.csv", "img", ("c1", "c0"), "probabilities")


def test_classes_beside_the_test_folder(tmp_path):
    photos = ["ant/1.jpg", "ant/2.jpg", "bee/3.jpg", "test/4.jpg"]
    manifest = found(made(tmp_path, photos, sample_submission_csv="id,bee,ant;4,0.5,0.5"))
    assert manifest.train == TrainLayout(".", "folders")
    assert manifest.classes == ("bee", "ant")


def test_a_csv_of_ids_and_labels(tmp_path):
    photos = below("train", "a.jpg", "b.jpg", "c.jpg") + below("test", "d.jpg")
    root = made(
        tmp_path,
        photos,
        labels_csv="id,breed;a,pug;b,chow;c,great dane",
        sample_submission_csv="id,chow,great_dane,pug;d,0,0,0",
    )
    manifest = found(root)
    assert (manifest.task, manifest.classes) == ("multiclass", ("chow", "great dane", "pug"))
    assert manifest.train == TrainLayout("train", "csv", "labels.csv", "id", ("breed",))


def test_one_folder_for_train_and_test(tmp_path):
    root = made(
        tmp_path,
        below("images", "Train_0.jpg", "Train_1.jpg", "Train_2.jpg", "Test_0.jpg", "Test_1.jpg"),
        train_csv="image_id,healthy,rust,scab;Train_0,1,0,0;Train_1,0,1,0;Train_2,0,0,1",
        test_csv="image_id;Test_0;Test_1",
        sample_submission_csv="image_id,healthy,rust,scab;Test_0,.3,.3,.3;Test_1,.3,.3,.3",
    )
    manifest = found(root)
    assert (manifest.task, manifest.classes) == ("multiclass", ("healthy", "rust", "scab"))
    assert manifest.train == TrainLayout("images", "csv", "train.csv", "image_id", ("healthy", "rust", "scab"))
    assert manifest.test == TestLayout("images")


def test_one_hot_columns_of_several_labels(tmp_path):
    root = made(
        tmp_path,
        below("train", "1.png", "2.png") + below("test", "3.png"),
        train_csv="file,width,red,blue;1.png,10,1,1;2.png,10,0,0",
        sample_submission_csv="file,blue,red;3.png,0,0",
    )
    manifest = found(root)
    assert (manifest.task, manifest.classes) == ("multilabel", ("blue", "red"))
    assert manifest.train.columns == ("blue", "red")


def test_tags(tmp_path):
    root = made(
        tmp_path,
        below("train-jpg", "t0.jpg", "t1.jpg", "t2.jpg", "t3.jpg") + below("test-jpg", "u0.jpg"),
        train_v2_csv="image_name,tags;t0,haze primary;t1,primary;t2,haze;t3,primary haze",
        sample_submission_v2_csv="image_name,tags;u0,primary",
    )
    manifest = found(root)
    assert (manifest.task, manifest.classes) == ("multilabel", ("haze", "primary"))
    assert manifest.answer.kind == "tags"
    assert manifest.train.folder == "train-jpg"


@pytest.mark.parametrize(
    ("given", "classes"),
    [("a,b,c,c", ("a", "b", "c")), ("10,2,9,9", ("2", "9", "10"))],
)
def test_one_column_of_more_than_two_classes_answers_with_the_label(tmp_path, given, classes):
    rows = ";".join(f"{row},{label}" for row, label in enumerate(given.split(",")))
    root = made(
        tmp_path,
        below("train_images", "0.jpg", "1.jpg", "2.jpg", "3.jpg") + below("test_images", "7.jpg"),
        train_csv=f"image_id,label;{rows}",
        sample_submission_csv="image_id,label;7,4",
    )
    manifest = found(root)
    assert (manifest.task, manifest.classes, manifest.answer.kind) == ("multiclass", classes, "label")


def test_classes_may_be_named_like_sets(tmp_path):
    photos = [f"train/{name}/{row}.jpg" for row, name in enumerate(["trainer", "testudo", "tester"])]
    root = made(tmp_path, [*photos, "test/9.jpg"], sample_submission_csv="id,tester,testudo,trainer;9,0,0,0")
    manifest = found(root)
    assert (manifest.train.folder, manifest.test.folder) == ("train", "test")
    assert manifest.classes == ("tester", "testudo", "trainer")


def test_hints_answer_what_is_asked(tmp_path):
    root = made(
        tmp_path,
        below("photos", "1.jpg", "2.jpg", "3.jpg"),
        answers_csv="photo,colour,shape,size;1,red,round,9;2,blue,square,9",
        other_csv="photo,x;1,a;2,b",
        sample_submission_csv="photo,p;3,0.5",
        sample_sub_csv="photo,q;3,0.5",
    )
    hints = Hints(
        positive="round", labels="answers.csv", label_column="shape", sample="sample_sub.csv", incomplete_labels=True
    )
    manifest = found(root, hints)
    assert manifest.classes == ("square", "round")
    assert manifest.train == TrainLayout("photos", "csv", "answers.csv", "photo", ("shape",), incomplete=True)
    assert manifest.answer.columns == ("q",)


def test_tables_may_lie_elsewhere(tmp_path):
    root = made(tmp_path / "photos", below("train", "1.jpg", "2.jpg") + below("test", "3.jpg"))
    labels = write_csv(tmp_path / "labels.csv", "id,label;1,no;2,yes")
    sample = write_csv(tmp_path / "answer.csv", "id,label;3,0.5")
    manifest = found(root, Hints(labels=str(labels), sample=str(sample)))
    assert (manifest.train.file, manifest.answer.sample) == (str(labels), str(sample))


TRAIN = below("train", "1.jpg", "2.jpg")
TEST = below("test", "8.jpg")
LABELS = "id,label;1,no;2,yes"
ANSWER = "id,label;8,0.5"
QUESTIONS = {
    "no sample": ([*TRAIN, *TEST], {"labels_csv": LABELS}, "Which file in .* is the sample submission.*--sample"),
    "two samples": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "sample_sub1_csv": ANSWER, "sample_sub2_csv": ANSWER},
        r"Which is the sample submission: sample_sub1\.csv, sample_sub2\.csv\? Answer with --sample FILE",
    ),
    "no labels": (
        [*TRAIN, *TEST],
        {"sample_submission_csv": ANSWER},
        "Where are the labels of the photos in .*train.*--labels FILE",
    ),
    "two tables": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "train_csv": LABELS, "sample_submission_csv": ANSWER},
        r"Which table holds the labels: labels\.csv, train\.csv\? Answer with --labels FILE",
    ),
    "two columns": (
        [*TRAIN, *TEST],
        {"labels_csv": "id,colour,shape;1,a,b;2,b,a", "sample_submission_csv": ANSWER},
        r"Which column of .*labels\.csv holds the label: colour, shape\? Answer with --label-column COLUMN",
    ),
    "which class": (
        [*below("train", *PETS), *TEST],
        {"sample_submission_csv": ANSWER},
        "Which class is the column 'label' the probability of: cat or dog.*--positive CLASS",
    ),
}


@pytest.mark.parametrize(("photos", "tables", "asks"), QUESTIONS.values(), ids=QUESTIONS)
def test_what_cannot_be_found_out_is_asked(tmp_path, photos, tables, asks):
    with pytest.raises(Question, match=asks):
        found(made(tmp_path, photos, **tables))


REFUSALS = {
    "no photos": ([], {"sample_submission_csv": ANSWER}, {}, BadData, "There are no photos in"),
    "ids that are no photos": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "sample_submission_csv": "id,label;x9,0.5"},
        {},
        BadData,
        r"asks for ids like 'x9', but no photo in .*test has such a name: name another file with --sample",
    ),
    "columns that match no class": (
        ["train/a/1.jpg", "train/b/2.jpg", *TEST],
        {"sample_submission_csv": "id,x,y;8,0.5,0.5"},
        {},
        BadData,
        r"sample_submission\.csv does not fit the labels: there is no class for its columns x, y",
    ),
    "one class": (
        [*TRAIN, *TEST],
        {"labels_csv": "id,label;1,a;2,a", "sample_submission_csv": ANSWER},
        {},
        BadData,
        "All training photos have the label 'a'",
    ),
    "a table of other things": (
        [*TRAIN, *TEST],
        {"labels_csv": "id,label;x,a;y,b", "sample_submission_csv": ANSWER},
        {"labels": "labels.csv"},
        BadData,
        r"No column of .*labels\.csv holds the names of photos in .*train",
    ),
    "no such table": (
        [*TRAIN, *TEST],
        {"sample_submission_csv": ANSWER},
        {"labels": "label.csv"},
        BadChoice,
        r"There is no .*label\.csv: --labels takes a path relative to",
    ),
    "no such sample": ([*TRAIN, *TEST], {}, {"sample": "s.csv"}, BadChoice, r"There is no .*s\.csv: --sample"),
    "no such column": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "sample_submission_csv": ANSWER},
        {"label_column": "lable"},
        BadChoice,
        r"no label column named 'lable': did you mean label\?",
    ),
    "no such class": (
        [*below("train", *PETS), *TEST],
        {"sample_submission_csv": ANSWER},
        {"positive": "dgo"},
        BadChoice,
        r"no class named 'dgo': did you mean dog\?",
    ),
    "a damaged table": (
        [*TRAIN, *TEST],
        {"labels_csv": "id,label;1,a;2,b,c", "sample_submission_csv": ANSWER},
        {},
        BadData,
        r"Cannot read .*labels\.csv as a CSV",
    ),
}


@pytest.mark.parametrize(("photos", "tables", "hints", "error", "says"), REFUSALS.values(), ids=REFUSALS)
def test_what_does_not_fit_is_refused(tmp_path, photos, tables, hints, error, says):
    with pytest.raises(error, match=says):
        found(made(tmp_path, photos, **tables), Hints(**hints))
