from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.label_rows import read_flags, read_label_rows, settle_rows
from ensembler.competition.manifest import TrainLayout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.errors import BadData

LAYOUT = TrainLayout("train", "csv", "labels.csv", "id", ("label",))


@pytest.fixture
def photos(tmp_path):
    return PhotoFiles.list_below(write_photos(tmp_path, *(f"train/{number}.png" for number in "123")))


def settle(photos, text, separator=None, **changes):
    write_csv(photos.root / "labels.csv", text)
    layout = replace(LAYOUT, **changes)
    rows = read_label_rows(layout, photos)
    return rows, settle_rows(rows, layout, photos, separator).to_numpy().tolist()


def test_equal_rows_count_once(photos):
    rows, settled = settle(photos, "id,label;1,a;2,b;1,a;1.png,a;3,b")
    assert rows.repeated == 2
    assert settled == [["1", "train/1.png", "a"], ["2", "train/2.png", "b"], ["3", "train/3.png", "b"]]


def test_contradicting_rows_are_refused_or_left_out(photos):
    text = "id,label;1,a;2,b;1,b;3,a"
    with pytest.raises(BadData, match=r"1 photo more than one label \(first: '1', a, b\).*conflicting_labels=True"):
        settle(photos, text)
    assert [row[0] for row in settle(photos, text, conflicting=True)[1]] == ["2", "3"]


def test_rows_of_one_photo_may_be_its_tags(photos):
    settled = settle(photos, "id,label;1,red fox;2,b;1,wolf;3,b;1,red fox", "|")[1]
    assert settled[0] == ["1", "train/1.png", "red fox|wolf"]
    assert len(settled) == 3


def test_tags_in_cells(photos):
    settled = settle(photos, "id,label;1,'b, a, b';2,a".replace("'", '"'), ",")[1]
    assert [row[2] for row in settled] == ["b|a", "a"]


def test_rows_without_a_photo_are_refused_or_left_out(photos):
    text = "id,label;1,a;22,b;2,b"
    with pytest.raises(BadData, match=r"names 1 photo missing in \S+train \(first: '22', most like train/2\.png\)"):
        settle(photos, text)
    rows, settled = settle(photos, text, missing_photos=True)
    assert rows.without_photo.tolist() == ["22"]
    assert [row[0] for row in settled] == ["1", "2"]


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        ([["1", "0"], ["0", "1.0"]], [[True, False], [False, True]]),
        ([["1", "-1"], ["-1", "1"]], [[True, False], [False, True]]),
        ([["1", "0"], ["-1", "1"]], None),
        ([["1.00", "0"], ["-1", "0.5"]], None),
        ([["1", "-1"], ["1", "0"]], None),
    ],
)
def test_flags_are_0_and_1_or_minus_1_and_1(cells, flags):
    table = pd.DataFrame(cells, columns=["a", "b"])
    if flags is None:
        with pytest.raises(
            BadData, match=r"The columns a, b of t\.csv contain values other than 0 and 1 \(first: '-1'\)"
        ):
            read_flags(table, ["a", "b"], Path("t.csv"))
    else:
        assert read_flags(table, ["a", "b"], Path("t.csv")).to_numpy().tolist() == flags


def test_a_column_of_labels_may_be_called_path(photos):
    settled = settle(photos, "id,path;1,a;2,b", columns=("path",))[1]
    assert settled == [["1", "train/1.png", "a"], ["2", "train/2.png", "b"]]
