from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.corrections_made import PETS, TAGS, make_tables
from helpers.photos import Heard

from ensembler.competition.corrections.corrections import Corrections
from ensembler.competition.corrections.reading import read_corrections
from ensembler.errors import BadChoice

DOUBTS = """\
kind,set,id,path,label,suggestion,new_label,score,reason
likely wrong label,train,1,train/1.png,cat,relabel,dog,0.99,"Labelled cat, but the stack finds dog."
blank photo,train,2,train/2.png,dog,exclude,,0.5,Blank.
odd photo,train,3,train/3.png,cat,,,0.5,Odd.
truncated photo,test,9,test/9.png,,exclude,,0.5,Cut.
"""


def read(tmp_path: Path, exclude: str | None, relabel: str | None = None, labels=PETS, name="corrections.csv"):
    files: list[str | None] = []
    for option, text in (("exclude", exclude), ("relabel", relabel)):
        path = tmp_path / f"{option}-{name}"
        if text is not None:
            path.write_text(text, "utf-8")
        files.append(None if text is None else str(path))
    heard = Heard()
    return read_corrections(make_tables(labels), files[0], files[1], heard), heard


@pytest.mark.parametrize(
    ("exclude", "name"),
    [
        ("4\n2\n\n", "ids.txt"),
        ("4\n2", "ids"),
        ("id\n4\n2\n", "ids.txt"),
        ("id\n4\n2\n", "ids.csv"),
        ("path,note\ntrain/4.png,x\ntrain/2.png,y\n", "paths.csv"),
        ("id;why\n2;a\n4;b\n", "semicolons.csv"),
        ("sep=;\nSuggestion;ID\nexclude;2\n;\nexclude;4\n", "excel.csv"),
        ("id;note\n2;a\n4;b\n", "semicolons.txt"),
        ("id,path\n0002,train/2.png\n4.0,train/4.png\n", "spoilt-ids.csv"),
        ("id\tsuggestion\n2\texclude\n4\tEXCLUDE\n3\t\n1\trelabel\n", "suggestions.tsv"),
        ('[{"id": "2"}, {"id": "4"}]', "ids.json"),
    ],
)
def test_photos_to_exclude_are_read_in_the_order_of_the_table(tmp_path: Path, exclude: str, name: str) -> None:
    assert read(tmp_path, exclude, name=name)[0] == Corrections(("2", "4"), {})


def test_one_file_of_doubts_serves_both_options(tmp_path: Path) -> None:
    assert read(tmp_path, DOUBTS, DOUBTS)[0] == Corrections(("2",), {"1": "dog"})
    assert read(tmp_path, DOUBTS)[0] == Corrections(("2",), {})


@pytest.mark.parametrize("text", ["id,new_label\n5,dog\n", "path,label\ntrain/5.png,dog\n", "label,id\ndog,5\n"])
def test_new_labels_are_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, None, text)[0] == Corrections((), {"5": "dog"})


def test_tags_are_read_in_any_order_and_may_be_none(tmp_path: Path) -> None:
    text = "id,new_label\n1,b|a\n2,c|a\n3,\n"
    corrections, heard = read(tmp_path, None, text, TAGS)
    assert corrections == Corrections((), {"2": "a|c", "3": ""})
    file = tmp_path / "relabel-corrections.csv"
    assert heard.told == [
        f"{file} changes nothing for 1 photo ('1'), whose label is the same.",
        f"{file} takes all tags from 1 photo ('3').",
    ]


def test_an_excluded_photo_stays_excluded(tmp_path: Path) -> None:
    corrections, heard = read(tmp_path, "id\n5\n", "id,label\n5,dog\n3,dog\n")
    assert corrections == Corrections(("5",), {"3": "dog"})
    assert "gives another label: 1 photo ('5')." in heard.told[0]


@pytest.mark.parametrize(
    ("exclude", "relabel", "words"),
    [
        ("id,suggestion\n2,relabel\n", None, "excludes no photo"),
        ("", None, "excludes no photo"),
        (None, "id,label\n1,cat\n", "relabels no photo"),
    ],
)
def test_a_file_without_effect_is_told(tmp_path: Path, exclude: str | None, relabel: str | None, words: str) -> None:
    corrections, heard = read(tmp_path, exclude, relabel)
    assert not corrections
    assert words in heard.warnings[0]


@pytest.mark.parametrize(
    ("exclude", "relabel", "labels", "words"),
    [
        ("id\ntrain-1\n7\n8\n", None, PETS, r"names 3 photos \('train-1', '7', '8'\) .* did you mean train/1\.png"),
        ("id\nx\n", None, PETS, "correct the column id"),
        ("path\ntrain/11.png\n", None, PETS, r"names 1 photo \('train/11.png'\) .*: did you mean train/1\.png\?"),
        ("id\n9\n", None, PETS, "photos to train on do not include"),
        ("name\n1\n", None, PETS, "has no column id or path, which exclude needs: its columns are name"),
        (None, "id\n1\n", PETS, "has no column new_label or label, which relabel needs"),
        (None, "id,label\n1,dgo\n", PETS, "'dgo', which is no class of the task: did you mean dog"),
        (None, "id,label\n1,\n", PETS, r"no new label for 1 photo \('1'\): fill in the column label"),
        (None, DOUBTS.replace("exclude", "relabel"), PETS, r"no new label for 1 photo \('2'\).*column new_label"),
        ("id,path\n1,train/2.png\n", None, PETS, r"another photo by its id than by its path for 1 photo"),
        ("id\n001\n", None, PETS, "did you mean 1"),
        (None, "id,label\n1,a|x\n", TAGS, "'x', which is no class of the task: known are a, b, c"),
        (None, "id,label\n1,dog\n1,cat\n", PETS, "gives '1' the labels 'dog' and 'cat'"),
        ("id\n1\n3\n5\n", None, PETS, "no photo of the class cat to learn from"),
        ("id\n1\n3\n", "id,label\n5,dog\n", PETS, "no photo of the class cat to learn from"),
        ("id\n3\n5\n", None, TAGS, "no photo of the class c to learn from"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, exclude, relabel, labels, words: str) -> None:
    with pytest.raises(BadChoice, match=words) as caught:
        read(tmp_path, exclude, relabel, labels)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    tables, (missing, odd) = make_tables(), (tmp_path / "no.csv", tmp_path / "odd.txt")
    odd.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadChoice, match=re.escape(f"path of a file, such as check/doubts.csv. Received: {missing}")):
        read_corrections(tables, str(missing), None, Heard())
    with pytest.raises(BadChoice, match="as text in UTF-8"):
        read_corrections(tables, str(odd), None, Heard())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "capitals.csv",
            "ID;Set;Suggestion;New label;Id\n1;Train;RELABEL;dog;7\n2;TRAIN;Exclude;;8\n9;Test;exclude;;9\n",
        ),
        ("order.csv", "New_label,suggestion,id\ndog,relabel,1\n,exclude,2\n,,\n"),
        ("mark.csv", "\ufeffid;suggestion;new_label\r\n1;relabel;dog\r\n2;exclude;\r\n;;\r\n"),
        # A spreadsheet has rewritten the ids.
        ("numbers.csv", "id,path,suggestion,new_label\n1.0,train/1.png,relabel,dog\n2.0,train/2.png,exclude,\n"),
        ("paths.csv", "id,suggestion,new_label\ntrain/1.png,relabel,dog\n2,exclude,\n"),
    ],
)
def test_a_file_that_a_spreadsheet_wrote_is_read(tmp_path: Path, name: str, text: str) -> None:
    corrections, heard = read(tmp_path, text, text, name=name)
    assert corrections == Corrections(("2",), {"1": "dog"})
    assert not heard.warnings
    assert any("by the path, because the id is unknown" in told for told in heard.told) == (name == "numbers.csv")


def test_photos_to_predict_do_not_count_without_suggestions_either(tmp_path: Path) -> None:
    assert read(tmp_path, "id,set\n2,train\n9,test\n")[0] == Corrections(("2",), {})


def test_other_suggestions_are_counted_once(tmp_path: Path) -> None:
    path, heard = tmp_path / "doubts.csv", Heard()
    path.write_text(DOUBTS.replace(",exclude,", ",Remove,"), "utf-8")
    assert read_corrections(make_tables(), str(path), str(path), heard) == Corrections((), {"1": "dog"})
    # The photo to predict does not count, and a file for both options may serve only one of them.
    assert heard.warnings == [
        f"1 row of {path} with the suggestion remove has no effect: known are exclude and relabel."
    ]
