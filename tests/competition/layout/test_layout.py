from __future__ import annotations

import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.layout import find_layout, is_metric_guessed
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.errors import BadChoice, BadData, MissingHint

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
    ("given", "shown", "classes"),
    [("a,b,c,c", "b", ("a", "b", "c")), ("10,2,9,9", "4", ("2", "9", "10"))],
)
def test_one_column_of_more_than_two_classes_answers_with_the_label(tmp_path, given, shown, classes):
    rows = ";".join(f"{row},{label}" for row, label in enumerate(given.split(",")))
    root = made(
        tmp_path,
        below("train_images", "0.jpg", "1.jpg", "2.jpg", "3.jpg") + below("test_images", "7.jpg"),
        train_csv=f"image_id,label;{rows}",
        sample_submission_csv=f"image_id,label;7,{shown}",
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


CLASSED = ["train/a/1.jpg", "train/a/2.jpg", "train/b/3.jpg", "train/b/4.jpg", "test/9.jpg"]


@pytest.mark.parametrize(
    ("table", "source"),
    [
        ("file,patient;1,p;2,p;3,q;4,q", "folders"),
        ("file,width;1,10;2,20;3,30;4,40", "folders"),
        ("file,width,height;1,10,1;2,20,1;3,30,1;4,40,1", "folders"),
        ("file,label;1,a;2,a;3,b;4,b", "folders"),
        ("file,label;1,a;2,b;3,b;4,a", "csv"),
    ],
)
def test_folders_and_a_table(tmp_path, table, source):
    root = made(tmp_path, CLASSED, meta_csv=table, sample_submission_csv="id,a,b;9,0,0")
    assert found(root).train.labels == source


def test_a_table_of_groups_is_none_of_labels(tmp_path):
    owners = ";".join(f"{name},ann" for name in PETS)
    root = made(
        tmp_path, [*below("train", *PETS), "test/9.jpg"], owners_csv=f"file,owner;{owners}", sample_sub_csv="id,dog;9,0"
    )
    assert found(root).train == TrainLayout("train", "names")


def test_a_table_beside_folders_may_be_named(tmp_path):
    root = made(
        tmp_path, CLASSED, meta_csv="file,colour;1,red;2,blue;3,red;4,red", sample_submission_csv="id,blue,red;9,0,0"
    )
    assert found(root, Hints(labels="meta.csv")).classes == ("blue", "red")
    assert found(root, Hints(label_column="colour")).train.file == "meta.csv"


PATIENTS = "image,patient_id;" + ";".join(f"{row},p{row // 2}" for row in range(12))
TWELVE = [*below("train", *(f"{row}.jpg" for row in range(12))), "test/99.jpg"]
LABELLED = "image,target;" + ";".join(f"{row},{row % 2}" for row in range(12))


@pytest.mark.parametrize(
    ("answer", "groups"),
    [
        (None, ("patients.csv", "image", "patient_id")),
        ("none", ("", "", "")),
        ("more.csv:colour", ("more.csv", "name", "colour")),
    ],
)
def test_groups(tmp_path, answer, groups):
    root = made(
        tmp_path,
        TWELVE,
        train_csv=LABELLED,
        patients_csv=PATIENTS,
        more_csv="name,colour;" + ";".join(f"{row},{row % 3}" for row in range(12)),
        sample_submission_csv="image,target;99,0.5",
    )
    train = found(root, Hints(groups=answer)).train
    assert (train.file, train.columns) == ("train.csv", ("target",))
    assert (train.groups, train.group_id_column, train.group_column) == groups


def test_groups_in_the_table_of_labels(tmp_path):
    rows = ";".join(f"{row},p{row // 2},kind {row % 3}" for row in range(12))
    root = made(
        tmp_path,
        TWELVE,
        train_csv=f"image,patient,diagnosis;{rows}",
        sample_submission_csv="image,answer;99,kind 0",
    )
    train = found(root).train
    assert (train.columns, train.groups, train.group_column) == (("diagnosis",), "train.csv", "patient")


@pytest.mark.parametrize(
    ("slug", "metric", "hint", "named", "kind"),
    [
        ("", "", None, "log loss", "probabilities"),
        ("", "AUC", None, "roc auc", "probabilities"),
        ("", "Categorization Accuracy", None, "accuracy", "label"),
        ("", "Something new", None, "log loss", "probabilities"),
        ("", "Quadratic Weighted Kappa", "auc", "roc auc", "probabilities"),
        ("", "sample f1", None, "micro f1", "label"),
        ("aerial-cactus-identification", "", None, "roc auc", "probabilities"),
        ("aerial-cactus-identification", "Something new", None, "roc auc", "probabilities"),
        ("aerial-cactus-identification", "Log Loss", None, "log loss", "probabilities"),
        ("aerial-cactus-identification", "Log Loss", "accuracy", "accuracy", "label"),
    ],
)
def test_the_metric(tmp_path, slug, metric, hint, named, kind):
    root = made(tmp_path, [*TRAIN, *TEST], train_csv="id,has_cactus;1,0;2,1", sample_submission_csv="id,has_cactus;8,0")
    manifest = find_layout(root, "cactus", slug, Hints(metric=hint), ".", metric=metric)
    assert (manifest.metric, manifest.answer.kind) == (named, kind)
    assert manifest.code_only is bool(slug)


@pytest.mark.parametrize(
    ("slug", "hints", "metric", "guess"),
    [
        ("", NO_HINTS, "", True),
        ("", NO_HINTS, "Something new", True),
        ("", NO_HINTS, "AUC", False),
        ("", Hints(metric="accuracy"), "Something new", False),
        ("dogs-vs-cats", NO_HINTS, "", False),
        ("dogs-vs-cats-in-class", NO_HINTS, "", True),
    ],
)
def test_a_metric_that_nobody_told_is_a_guess(slug, hints, metric, guess):
    assert is_metric_guessed(slug, hints, metric) is guess


def test_the_first_dogs_vs_cats_asks_for_flags(tmp_path):
    root = made(tmp_path, [*below("train", *PETS), "test1/1.jpg"], sampleSubmission_csv="id,label;1,0")
    manifest = found(root, slug="dogs-vs-cats")
    assert (manifest.metric, manifest.answer.kind, manifest.classes) == ("accuracy", "flag", ("cat", "dog"))
    assert manifest.describe() == "binary: `label` is 1 for 'dog', 0 for 'cat'"
    manifest.save(tmp_path / "competition.toml")
    assert Manifest.load(tmp_path / "competition.toml") == manifest


WHALES = "image,species,individual_id;" + ";".join(
    f"{row},{'orca' if row % 3 else 'beluga'},w{row // 3}" for row in range(12)
)
AGES = "image,age;" + ";".join(f"{row},{20 + row % 4 * 1.5}" for row in range(12))
COUNTS = "image,count;" + ";".join(f"{row},{row}" for row in range(12))
OTHER_TASKS = {
    "another column": (WHALES, "image,predictions;99,x1 x2", MissingHint, "Several columns .*species, individual_id"),
    "a ranking": (WHALES, "image,predictions;99,w1 w2", BadData, r"'w1 w2', .* as in rankings \(MAP@5\)"),
    "fractions": (
        AGES,
        "image,age;99,0",
        BadData,
        "'age' of .* contains fractional numbers such as 21.5, so it is for a regression",
    ),
    "all different": (COUNTS, "image,count;99,0", MissingHint, "contains 12 different labels for 12 photos"),
    "masks": (LABELLED, "image,EncodedPixels;99,1 2", BadData, "'EncodedPixels' of .* is for a segmentation"),
    "boxes": (LABELLED, "image,PredictionString;99,1 2", BadData, "'PredictionString' of .* is for a detection"),
    "boxes among labels": (
        "image,bbox;" + ";".join(f"{row},a" for row in range(12)),
        "image,answer;99,a",
        BadData,
        r"The column 'bbox' of .*train\.csv is for a detection",
    ),
}


@pytest.mark.parametrize(("labels", "sample", "error", "says"), OTHER_TASKS.values(), ids=OTHER_TASKS)
def test_other_tasks_are_not_taken_for_classification(tmp_path, labels, sample, error, says):
    with pytest.raises(error, match=says):
        found(made(tmp_path, TWELVE, train_csv=labels, sample_submission_csv=sample))


@pytest.mark.parametrize("labels", [AGES, COUNTS])
def test_a_person_may_say_that_numbers_are_classes(tmp_path, labels):
    root = made(tmp_path, TWELVE, train_csv=labels, sample_submission_csv="image,answer;99,20.48")
    assert found(root, Hints(metric="accuracy", placeholder="20.48")).answer.kind == "label"


def test_a_placeholder_is_a_cell_and_is_told(tmp_path):
    rows = ";".join(f"{number},{'abc'[number % 3]}" for number in range(12))
    root = made(tmp_path, TWELVE, train_csv=f"image,label;{rows}", sample_submission_csv="image,label;99,0")
    with pytest.raises(MissingHint, match=r"contains '0', which is not one of the classes .*Hints\(placeholder='TEXT'"):
        found(root)
    with pytest.raises(BadChoice, match=r"No cell of .*sample_submission\.csv is '1': Hints\(placeholder"):
        found(root, Hints(placeholder="1"))
    manifest, evidence = find_with_evidence(root, Hints(placeholder="0"))
    assert (manifest.answer.placeholder, manifest.classes) == ("0", ("a", "b", "c"))
    assert any("contains 0, which is none of the classes (a, b, c) and is used as" in one for one in evidence.doubts)


def test_the_column_asked_for_may_look_like_groups(tmp_path):
    root = made(tmp_path, TWELVE, train_csv=WHALES, sample_submission_csv="image,answer;99,w3")
    train = found(root).train
    assert (train.columns, train.groups) == (("individual_id",), "")


def test_a_metric_of_other_tasks_is_refused_unless_a_person_names_one(tmp_path):
    root = made(tmp_path, TWELVE, train_csv=LABELLED, sample_submission_csv="image,target;99,0")
    with pytest.raises(BadData, match=r"The metric 'MAP@\{K\}' is for a ranking.*Hints\(metric='NAME'\)"):
        find_layout(root, "x", "", NO_HINTS, ".", metric="MAP@{K}")
    assert find_layout(root, "x", "", Hints(metric="accuracy"), ".", metric="MAP@{K}").metric == "accuracy"


def test_ids_in_another_column_than_the_first(tmp_path):
    photos = ["train/cbb/1.jpg", "train/cmd/2.jpg", "test/0/8.jpg", "test/0/9.jpg"]
    root = made(tmp_path, photos, sample_submission_csv="Category,Id;cbb,8.jpg;cbb,9.jpg")
    with pytest.raises(
        BadData, match="names of photos in the column 'Id', not in the first: save a copy with that column"
    ):
        found(root)
    write_csv(tmp_path / "mine.csv", "Id,Category;8.jpg,cbb;9.jpg,cbb")
    assert found(root, Hints(sample="mine.csv", metric="accuracy", positive="cmd")).answer.id_column == "Id"


def test_names_of_two_words_are_no_tags(tmp_path):
    names = ("red fox", "gray fox", "gray wolf", "red wolf", "maned wolf", "arctic fox", "arctic wolf")
    rows = ";".join(f"{row},{names[row % 7]}" for row in range(12))
    root = made(tmp_path, TWELVE, train_csv=f"image,label;{rows}", sample_submission_csv="image,label;99,red fox")
    assert (found(root).task, found(root).classes) == ("multiclass", tuple(sorted(names)))


@pytest.mark.parametrize(
    ("name", "content"), [("authors.csv", b"name\nJos\xe9\n"), ("notes.csv", b""), ("log.csv", b"a\nb,c\nd,e,f,g\n")]
)
def test_tables_that_nobody_needs_may_be_odd(tmp_path, name, content):
    root = made(tmp_path, TWELVE, train_csv=LABELLED, sample_submission_csv="image,target;99,0.5")
    (root / name).write_bytes(content)
    assert found(root).train.file == "train.csv"
    with pytest.raises(BadData, match=rf"Cannot read .*{name} as a table|{name} does not contain a column"):
        found(root, Hints(labels=name))


def test_a_row_of_no_photo_and_no_label_says_nothing(tmp_path):
    root = made(tmp_path, TWELVE, train_csv=f"{LABELLED};.DS_Store,", sample_submission_csv="image,target;99,0.5")
    assert found(root).classes == ("0", "1")


def test_several_sizes_of_the_photos_are_no_classes(tmp_path):
    sizes = [
        f"{kind}-{size}/{row}.jpg" for size in (128, 256) for kind, row in (("train", 0), ("train", 1), ("test", 99))
    ]
    root = made(tmp_path, sizes, train_csv="image,target;0,a;1,b", sample_submission_csv="image,target;99,a")
    manifest = found(root, Hints(positive="a"))
    assert (manifest.classes, manifest.train.folder, manifest.test.folder) == (("b", "a"), "train-128", "test-128")


@pytest.mark.parametrize("form", ["train_{part}/{name}.{row}.jpg", "train_{part}/{name}/{row}.jpg"])
def test_parts_of_the_training_set_are_no_classes(tmp_path, form):
    parts = [form.format(part=row % 2 + 1, name=name, row=row) for name in ("cat", "dog") for row in range(6)]
    root = made(tmp_path, [*parts, "test/99.jpg"], sample_submission_csv="id,dog,cat;99,0.5,0.5")
    assert found(root).classes == ("dog", "cat")


@pytest.mark.parametrize("name", ["acuracy", "mean average precision", "sample f2 of boxes"])
def test_an_unknown_metric_is_refused_if_a_person_names_it(tmp_path, name):
    root = made(tmp_path, [*TRAIN, *TEST], train_csv="id,label;1,0;2,1", sample_submission_csv="id,label;8,0")
    with pytest.raises(BadChoice, match="no metric named"):
        found(root, Hints(metric=name))


def test_a_metric_that_cannot_judge_the_task_is_passed_over(tmp_path):
    root = made(tmp_path, ["train/a/1.jpg", "train/b/2.jpg", "test/9.jpg"], sample_submission_csv="id,a,b;9,0.5,0.5")
    assert find_layout(root, "x", "", NO_HINTS, ".", metric="quadratic weighted kappa").answer.kind == "probabilities"
    manifest = find_layout(root, "x", "", NO_HINTS, ".", metric="F1 Score")
    assert manifest.metric == "macro f1"


def test_names_of_classes(tmp_path):
    root = made(tmp_path, [*TRAIN, *TEST], train_csv="id,label;1,0;2,1", sample_submission_csv="id,label;8,0")
    (root / "names.json").write_text('{"1": "rust", "0": "fine"}', "utf-8")
    assert found(root).class_names == ("fine", "rust")


TRAIN = below("train", "1.jpg", "2.jpg")
TEST = below("test", "8.jpg")
LABELS = "id,label;1,no;2,yes"
ANSWER = "id,label;8,0.5"
QUESTIONS = {
    "no sample": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS},
        r"No file in .* has the name of a sample submission.*Hints\(sample",
    ),
    "two samples": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "sample_sub1_csv": ANSWER, "sample_sub2_csv": "id,label;8,0"},
        r"may be the sample submission \(sample_sub1\.csv, sample_sub2\.csv\): name it with Hints\(sample='FILE'\)",
    ),
    "no labels": (
        [*TRAIN, *TEST],
        {"sample_submission_csv": ANSWER},
        r"The photos in .*train have no labels.*Hints\(labels='FILE'\)",
    ),
    "two tables": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "train_csv": "id,label;1,yes;2,no", "sample_submission_csv": ANSWER},
        r"Several tables may contain the labels \(labels\.csv, train\.csv\): name one with Hints\(labels='FILE'\)",
    ),
    "two columns": (
        [*TRAIN, *TEST],
        {"labels_csv": "id,colour,shape;1,a,b;2,b,a", "sample_submission_csv": ANSWER},
        r"labels\.csv may contain the label \(colour, shape\): name it with Hints\(label_column='COLUMN'\)",
    ),
    "which class": (
        [*below("train", *PETS), *TEST],
        {"sample_submission_csv": ANSWER},
        r"The column 'label' may contain the probability of cat or dog.*Hints\(positive='CLASS'\)",
    ),
}


@pytest.mark.parametrize(("photos", "tables", "asks"), QUESTIONS.values(), ids=QUESTIONS)
def test_what_cannot_be_found_out_is_asked(tmp_path, photos, tables, asks):
    with pytest.raises(MissingHint, match=asks):
        found(made(tmp_path, photos, **tables))


REFUSALS = {
    "no photos": ([], {"sample_submission_csv": ANSWER}, {}, BadData, "contains no photos"),
    "ids that are no photos": (
        [*TRAIN, *TEST],
        {"labels_csv": LABELS, "sample_submission_csv": "id,label;x9,0.5"},
        {},
        BadData,
        r"\(first: 'x9'\) are not names of photos in .*test, of which test/8.jpg is most like.*Hints\(sample",
    ),
    "columns that match no class": (
        ["train/a/1.jpg", "train/b/2.jpg", *TEST],
        {"sample_submission_csv": "id,x,y;8,0.5,0.5"},
        {},
        BadData,
        r"sample_submission\.csv does not fit the labels, because no class matches the columns x, y",
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
        r"labels\.csv does not contain a column with the names of photos in .*train",
    ),
    "no such table": (
        [*TRAIN, *TEST],
        {"sample_submission_csv": ANSWER},
        {"labels": "label.csv"},
        BadChoice,
        r"The file .*label\.csv does not exist: Hints\(labels=.* expects a file, with its path relative to",
    ),
    "no such sample": (
        [*TRAIN, *TEST],
        {},
        {"sample": "s.csv"},
        BadChoice,
        r"The file .*s\.csv does not exist: Hints\(sample",
    ),
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
        MissingHint,
        r"labels\.csv may contain the labels but is not understood, because it cannot be read \(.*line 3",
    ),
}


@pytest.mark.parametrize(("photos", "tables", "hints", "error", "says"), REFUSALS.values(), ids=REFUSALS)
def test_what_does_not_fit_is_refused(tmp_path, photos, tables, hints, error, says):
    with pytest.raises(error, match=says):
        found(made(tmp_path, photos, **tables), Hints(**hints))


@pytest.mark.parametrize(
    ("sample", "classes", "texts"),
    [
        ("id,label;8,1", ("Bear", "Red Fox", "Wolf"), ("2", "1", "0")),
        ("id,label;8,Wolf", ("Bear", "Red Fox", "Wolf"), ()),
        ("id,label;8,wolf", ("Bear", "Red Fox", "Wolf"), ("bear", "red fox", "wolf")),
        ("id,0,1,2;8,0,0,1", ("Wolf", "Red Fox", "Bear"), ()),
    ],
)
def test_the_answer_is_spelled_like_the_sample(tmp_path, sample, classes, texts):
    photos = [f"train/{name}/{number}.jpg" for number, name in enumerate(["Red Fox", "Wolf", "Bear"] * 2)]
    root = made(tmp_path, [*photos, "test/8.jpg"], sample_submission_csv=sample)
    (root / "classes.json").write_text('{"0": "Wolf", "1": "Red Fox", "2": "Bear"}', "utf-8")
    evidence = Evidence()
    manifest = find_layout(root, "x", "", NO_HINTS, ".", evidence=evidence)
    assert (manifest.classes, manifest.answer.labels) == (classes, texts)
    assert any("spells the classes otherwise" in doubt for doubt in evidence.doubts) is ("Wolf" not in sample)


def find_with_evidence(root, hints=NO_HINTS):
    evidence = Evidence()
    return find_layout(root, "x", "", hints, ".", evidence=evidence), evidence


@pytest.mark.parametrize("folders", [("images_part_1", "images_part_2"), ("images_001/images", "images_002/images")])
def test_parts_of_the_photos_are_no_classes(tmp_path, folders):
    photos = [f"{folders[number % 2]}/p{number}.jpg" for number in range(6)]
    rows = ";".join(f"p{number},{'nv' if number % 3 else 'mel'}" for number in range(6))
    root = made(tmp_path, [*photos, "test/8.jpg"], meta_csv=f"image,dx;{rows}", sample_submission_csv="id,label;8,nv")
    manifest, _ = find_with_evidence(root)
    assert (manifest.train.file, manifest.classes) == ("meta.csv", ("mel", "nv"))


def test_a_column_of_sets_is_told(tmp_path):
    rows = ";".join(f"{number},{'ab'[number % 2]},{'train' if number < 9 else 'valid'}" for number in range(12))
    root = made(tmp_path, TWELVE, train_csv=f"image,label,split;{rows}", sample_submission_csv="image,label;99,a")
    _, evidence = find_with_evidence(root)
    assert any("The column 'split' of train.csv is not used" in doubt for doubt in evidence.doubts)


def test_the_separator_of_the_labels_is_that_of_a_sample_without_one(tmp_path):
    tags = [
        '"Mass,Pleural Thickening"',
        "Mass",
        "No Finding",
        "Pleural Thickening",
        '"Lung Opacity,Mass"',
        "Lung Opacity",
    ]
    rows = ";".join(f"{number},{tags[number % 6]}" for number in range(12))
    root = made(tmp_path, TWELVE, train_csv=f"image,label;{rows}", sample_submission_csv="image,label;99,No Finding")
    manifest, _ = find_with_evidence(root)
    assert manifest.classes == ("Lung Opacity", "Mass", "No Finding", "Pleural Thickening")
    assert (manifest.train.separator, manifest.answer.separator) == (",", ",")


def test_names_split_at_blanks_are_told(tmp_path):
    names = ("rose", "wild rose", "dog", "dog rose")
    rows = ";".join(f"{number},{names[number % 4]}" for number in range(12))
    root = made(tmp_path, TWELVE, train_csv=f"image,label;{rows}", sample_submission_csv="image,label;99,rose")
    manifest, evidence = find_with_evidence(root)
    assert manifest.task == "multilabel"
    assert any("'wild rose' into wild, rose: if they are names, use" in doubt for doubt in evidence.doubts)
    manifest, evidence = find_with_evidence(root, Hints(metric="accuracy"))
    assert (manifest.classes, evidence.doubts) == (tuple(sorted(names)), [])


@pytest.mark.parametrize(
    ("photos", "table", "says"),
    [
        (
            [f"train/S{slide:03d}/{row}{slide}.png" for slide in range(6) for row in range(3)],
            "slide;S000,a;S001,b;S002,a;S003,b;S004,a;S005,b",
            r"The column 'slide' of train\.csv names folders of photos \(first: 'S000'\)",
        ),
        (
            [f"train/{stain}/{row}.png" for stain in ("HE", "IHC") for row in range(6)],
            "file;0.png,a;1.png,b;2.png,a;3.png,b;4.png,a;5.png,b",
            r"The column 'file' of train\.csv names photos that are in several folders \(first: '0\.png'\)",
        ),
    ],
)
def test_a_table_of_folders_is_not_passed_over(tmp_path, photos, table, says):
    header, *rows = table.split(";")
    root = made(tmp_path, [*photos, "test/t1.png"], train_csv=";".join([f"{header},label", *rows]))
    write_csv(root / "sample_submission.csv", "id,label;t1,a")
    with pytest.raises(MissingHint, match=rf"{says}.*Hints\(labels='folders'\)"):
        found(root)


def test_parts_without_a_table_are_a_question(tmp_path):
    photos = [f"part_{number % 3}/img_{number}.jpg" for number in range(12)]
    with pytest.raises(MissingHint, match=r"The folders part_0, part_1, part_2 may be parts of the photos or classes"):
        found(made(tmp_path, [*photos, "test/8.jpg"], sample_submission_csv="id,label;8,part_0"))
    root = made(tmp_path, [*photos, "test/8.jpg"], sample_submission_csv="id,label;8,part_0")
    assert found(root, Hints(labels="folders")).classes == ("part_0", "part_1", "part_2")


def test_a_cell_that_is_no_class_of_numbers_is_told(tmp_path):
    rows = ";".join(f"{number},{1 + number % 3}" for number in range(12))
    root = made(tmp_path, TWELVE, train_csv=f"image,label;{rows}", sample_submission_csv="image,label;99,0")
    manifest, evidence = find_with_evidence(root)
    assert manifest.classes == ("1", "2", "3")
    assert any("contains 0, which is none of the classes (1, 2, 3)" in doubt for doubt in evidence.doubts)
