from __future__ import annotations

import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.sample_submission import SampleSubmission, find_sample, make_relative
from ensembler.errors import BadChoice, BadData, MissingHint

GOOD = "id,cat,dog;3,0.5,0.5;1,0.5,0.5;02,0.5,0.5"


def test_ids_and_columns_in_their_order(tmp_path):
    sample = SampleSubmission.read(write_csv(tmp_path / "sample_submission.csv", GOOD))
    assert sample.id_column == "id"
    assert sample.columns == ("cat", "dog")
    assert sample.ids == ["3", "1", "02"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id;1;2", "it needs an id column, a column to fill in, and rows"),
        ("id,label", "and rows"),
        ("id,label;1,0;2,0;1,0;1,0", "contains 1 id more than once .first: '1'"),
    ],
)
def test_what_is_no_sample(tmp_path, text, says):
    with pytest.raises(BadData, match=rf"s\.csv.*{says}"):
        SampleSubmission.read(write_csv(tmp_path / "s.csv", text))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["sample_submission.csv", "train.csv"], "sample_submission.csv"),
        (["sampleSubmission.csv"], "sampleSubmission.csv"),
        (["data/SampleSub.csv"], "data/SampleSub.csv"),
        (["SAMPLE_SUBMISSION.CSV"], "SAMPLE_SUBMISSION.CSV"),
        (["sample_submission.csv", "old/sample_submission.csv"], "sample_submission.csv"),
        (["train.csv", "submission.csv", "sample.csv"], "submission.csv"),
        (["submission_format.tsv", "train_subsample.csv"], "submission_format.tsv"),
        (["train_sample_submissionsubset.csv", "sample_solution.csv", "test_subsample.csv", "subsets.csv"], None),
        ([".sample_submission.csv", "__MACOSX/sample_submission.csv"], None),
        ([], None),
    ],
)
def test_it_is_found_by_its_name(tmp_path, names, found):
    for name in names:
        write_csv(tmp_path / name, GOOD)
    sample = find_sample(tmp_path, None)
    assert (sample and make_relative(sample.path, tmp_path)) == found


def test_two_of_them_are_a_question(tmp_path):
    write_csv(tmp_path / "sample_submission_stg1.csv", GOOD)
    write_csv(tmp_path / "sample_submission_stg2.csv", f"{GOOD};9,0")
    with pytest.raises(
        MissingHint, match=r"sample_submission_stg1\.csv, sample_submission_stg2\.csv.*Hints\(sample='FILE'\)"
    ):
        find_sample(tmp_path, None)
    chosen = find_sample(tmp_path, "sample_submission_stg2.csv")
    assert chosen.path == tmp_path / "sample_submission_stg2.csv"


def stages(root, photos, **ids):
    for name, given in ids.items():
        write_csv(
            root / f"sample_submission_{name}.csv", "image,p;" + ";".join(f"{identity},0.5" for identity in given)
        )
    write_photos(root, *photos)
    sample = find_sample(root, None)
    return sample and sample.path.stem.removeprefix("sample_submission_")


FIRST, SECOND = ["1.jpg", "2.jpg"], ["test_stg2/7.jpg", "test_stg2/8.jpg"]


@pytest.mark.parametrize(
    ("photos", "ids", "chosen"),
    [
        (["test_stg1/1.jpg", "test_stg1/2.jpg"], {"stg1": FIRST, "stg2": SECOND}, "stg1"),
        (["test_stg1/1.jpg", "test_stg1/2.jpg"], {"stg1": FIRST, "stg2": [*FIRST, *SECOND]}, "stg1"),
        (["test_stg1/1.jpg", "test_stg1/2.jpg", *SECOND], {"stg1": FIRST, "stg2": [*FIRST, *SECOND]}, "stg2"),
        (["test/1.jpg", "train/1.jpg", "test/2.jpg"], {"stg1": FIRST, "stg2": SECOND}, "stg1"),
        (["test_stg1/1.jpg", *SECOND], {"stg1": FIRST, "stg2": SECOND}, "stg2"),
    ],
)
def test_of_several_stages_the_one_that_photos_answer(tmp_path, photos, ids, chosen):
    assert stages(tmp_path, photos, **ids) == chosen


@pytest.mark.parametrize("photos", [["test/9.jpg"]])
def test_stages_that_cannot_be_told_apart(tmp_path, photos):
    with pytest.raises(
        MissingHint, match=r"Several files may be the sample submission .sample_submission_stg1\.csv, sample_sub"
    ):
        stages(tmp_path, photos, stg1=FIRST, stg2=FIRST)


def test_of_several_answered_stages_the_last_is_used_with_a_warning(tmp_path):
    write_photos(tmp_path, "test_stg1/1.jpg", "test_stg1/2.jpg", "test_stg2/7.jpg")
    write_csv(tmp_path / "sample_submission_stg1.csv", "image,p;1.jpg,0;2.jpg,0")
    write_csv(tmp_path / "sample_submission_stg2.csv", "image,p;7.jpg,0")
    heard = []
    assert find_sample(tmp_path, None, heard.append).ids == ["7.jpg"]
    assert heard == [
        "Of several sample submissions (sample_submission_stg1.csv, sample_submission_stg2.csv), "
        "sample_submission_stg2.csv is used: choose another with --sample FILE."
    ]


def test_a_copy_of_the_sample_is_no_question(tmp_path):
    write_photos(tmp_path, "test/1.jpg")
    for name in ("sample_submission (1).csv", "sample_submission.csv"):
        write_csv(tmp_path / name, "image,p;1.jpg,0")
    assert find_sample(tmp_path, None).path.name == "sample_submission.csv"


def test_the_one_named_must_be_there(tmp_path):
    with pytest.raises(
        BadChoice,
        match=r"The file .*answers\.csv does not exist: Hints\(sample=.* expects a file, with its path relative to",
    ):
        find_sample(tmp_path, "answers.csv")


def test_relative_paths_have_forward_slashes_and_others_are_absolute(tmp_path):
    assert make_relative(tmp_path / "a" / "b.csv", tmp_path) == "a/b.csv"
    assert make_relative(tmp_path / "b.csv", tmp_path / "a") == str(tmp_path / "b.csv")


@pytest.mark.parametrize("text", ["Category,Id;cat,1.jpg;cat,2.jpg", "Category,Id;0,1;7,2", "label,x,id;a,0,1;a,0,2"])
@pytest.mark.parametrize("named", [None, "sample_submission.csv"])
def test_ids_must_come_first(tmp_path, text, named):
    write_csv(tmp_path / "sample_submission.csv", text)
    write_photos(tmp_path, "test/1.jpg", "test/2.jpg")
    with pytest.raises(
        BadData, match=r"names of photos in the column '[Ii]d', not in the first: .* with Hints\(sample"
    ):
        find_sample(tmp_path, named)


@pytest.mark.parametrize("text", ["id,label;1,2;2,1", "id,label;8,0;9,0", "id,label;8,a;8,a"])
def test_other_columns_may_hold_anything(tmp_path, text):
    write_csv(tmp_path / "sample_submission.csv", text)
    write_photos(tmp_path, "test/1.jpg", "test/2.jpg")
    if "8,a;8,a" in text:
        with pytest.raises(BadData, match="1 id more than once"):
            find_sample(tmp_path, None)
    else:
        assert find_sample(tmp_path, None).columns == ("label",)


def test_the_cells_to_fill_in(tmp_path):
    sample = SampleSubmission.read(write_csv(tmp_path / "s.csv", "id,label;1,cat ;2,;3,cat;4,dog"))
    assert sample.cells == {"cat", "dog"}
