from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import Heard, write_csv, write_photo
from PIL import Image

from ensembler.competition.archives import pixel_tables
from ensembler.competition.archives.pixel_tables import PixelTable, draw_pixel_tables
from ensembler.competition.csv_tables import read_table
from ensembler.errors import BadData


def header(count, first=0, spelling="pixel{}"):
    return ",".join(spelling.format(number) for number in range(first, first + count))


def pixels(rows, count):
    return np.random.default_rng(1).integers(0, 256, (rows, count))


def written(path, photos, columns, **before):
    """Write a table of pixels; ``before`` are columns that stand before them."""
    lines = [",".join([*before, columns])]
    for row, photo in enumerate(photos):
        lines.append(",".join([*(values[row] for values in before.values()), *map(str, photo)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def photo(path):
    with Image.open(path) as opened:
        return np.asarray(opened)


@pytest.mark.parametrize(
    ("columns", "shape"),
    [
        (header(4), (2, 2)),
        (header(9, first=1), (3, 3)),
        (header(12), (2, 2, 3)),
        (header(4, spelling="pixel_{}"), (2, 2)),
        (header(4, spelling="pixel{:04d}"), (2, 2)),
        ("pixel1,pixel0,pixel3,pixel2", (2, 2)),
        (header(5), None),
        (header(4, first=2), None),
        ("pixel0,pixel2,pixel3,pixel4", None),
        ("pixel0", None),
        ("id,label", None),
        ("pixel", None),
    ],
)
def test_columns_that_fill_a_square(tmp_path, columns, shape):
    table = PixelTable.read(write_csv(tmp_path / "train.csv", f"{columns};{','.join('0' for _ in columns.split(','))}"))
    assert (table and table.shape) == shape


def test_photos_are_numbered_from_1_and_the_rest_of_the_table_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_tables, "_CHUNK_ROWS", 2)
    train, test = pixels(5, 9), pixels(3, 9)
    written(tmp_path / "train.csv", train, header(9), label="13012")
    written(tmp_path / "test.csv", test, header(9))
    write_csv(tmp_path / "sample_submission.csv", "ImageId,Label;1,0;2,0;3,0")
    heard = Heard()
    draw_pixel_tables(tmp_path, heard)
    assert (tmp_path / "train.csv").read_text() == "id,label\n1,1\n2,3\n3,0\n4,1\n5,2\n"
    assert (tmp_path / "test.csv").read_text() == "id\n1\n2\n3\n"
    for folder, rows in (("train", train), ("test", test)):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == [f"{n + 1}.png" for n in range(len(rows))]
        for number, row in enumerate(rows, start=1):
            np.testing.assert_array_equal(photo(tmp_path / folder / f"{number}.png"), row.reshape(3, 3))
    assert heard.labels == ["draw test.csv", "draw train.csv"]
    assert heard.notes[1] == "The pixels of train.csv were written as 5 photos to train/."


def test_they_are_numbered_from_0_if_the_sample_is(tmp_path):
    written(tmp_path / "train.csv", pixels(5, 4), header(4), label="01010")
    written(tmp_path / "test.csv", pixels(3, 4), header(4))
    write_csv(tmp_path / "sample_submission.csv", "id,label;0,0;1,0;2,0")
    draw_pixel_tables(tmp_path, Heard())
    assert sorted(path.name for path in (tmp_path / "test").iterdir()) == ["0.png", "1.png", "2.png"]
    assert (tmp_path / "train" / "1.png").exists()


@pytest.mark.parametrize(
    ("names", "first"),
    [(["a7", "b8", "c9"], "a7"), (["a7", "a7", "c9"], "1"), (["a/7", "b8", "c9"], "1"), (["", "b8", "c9"], "1")],
)
@pytest.mark.parametrize("column", ["id", "image_id", "ImageId", "imageID"])
def test_ids_of_the_table_name_the_photos(tmp_path, names, first, column):
    written(tmp_path / "train.csv", pixels(3, 4), header(4), label="010", **{column: names})
    draw_pixel_tables(tmp_path, Heard())
    table = read_table(tmp_path / "train.csv")
    assert (tmp_path / "train" / f"{first}.png").is_file()
    assert table.iloc[0, 0] == first
    assert table["label"].tolist() == ["0", "1", "0"]


def test_colours_come_pixel_by_pixel_as_red_green_blue(tmp_path):
    photos = pixels(2, 12)
    written(tmp_path / "train.csv", photos, header(12), label="01")
    draw_pixel_tables(tmp_path, Heard())
    drawn = photo(tmp_path / "train" / "1.png")
    assert drawn[0, 1].tolist() == photos[0][3:6].tolist()
    np.testing.assert_array_equal(drawn, photos[0].reshape(2, 2, 3))


def test_columns_may_stand_in_any_order(tmp_path):
    write_csv(tmp_path / "train.csv", "pixel3,pixel1,label,pixel0,pixel2;4,2,a,1,3")
    draw_pixel_tables(tmp_path, Heard())
    assert photo(tmp_path / "train" / "1.png").tolist() == [[1, 2], [3, 4]]


def test_where_there_are_photos_a_table_of_pixels_is_left_alone(tmp_path):
    path = written(tmp_path / "train.csv", pixels(2, 4), header(4), label="01")
    before = path.read_bytes()
    write_photo(tmp_path / "deep" / "train" / "1.jpg")
    draw_pixel_tables(tmp_path, Heard())
    assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "train.csv"]


@pytest.mark.parametrize("cell", ["256", "-1", "0.5", "", "x"])
def test_what_is_no_pixel(tmp_path, cell):
    write_csv(tmp_path / "train.csv", f"label,{header(4)};a,0,1,{cell},3;b,0,1,2,3")
    with pytest.raises(
        BadData, match=r"The pixels in \S+train\.csv are not whole numbers from 0 to 255 \(.+\): correct"
    ):
        draw_pixel_tables(tmp_path, Heard())


def test_a_table_that_cannot_be_read_is_passed_over(tmp_path):
    (tmp_path / "notes.csv").write_bytes(b"caf\xe9,1\n")
    written(tmp_path / "train.csv", pixels(2, 4), header(4), label="01")
    draw_pixel_tables(tmp_path, Heard())
    assert (tmp_path / "train" / "2.png").is_file()
