from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.networks_made import Brightness
from helpers.photos import Heard, truncate, write_photo
from PIL import Image

from ensembler.competition.pixels import PLAIN, PixelRule
from ensembler.errors import BadData, Interrupted, UnreadablePhoto
from ensembler.images.decoding import decode_photo
from ensembler.progress import SILENT
from ensembler.stacking.jobs.prediction import open_network, predict_photos


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [write_photo(tmp_path / f"{number}.png", number) for number in range(11)]


def expected(paths: list[Path]) -> np.ndarray:
    return np.array([[decode_photo(path, size).mean() / 255 for size in (8, 4)] for path in paths])


@pytest.mark.parametrize(("batch_size", "batches"), [(4, [4, 4, 4]), (11, [11]), (32, [11]), (1, [1] * 11)])
def test_photos_are_predicted_in_order_in_batches_of_one_size(paths, batch_size, batches):
    model, heard = Brightness(), Heard()
    given, problems = predict_photos(model, paths, batch_size, heard, PLAIN, skip_unreadable=False)
    assert given == pytest.approx(expected(paths), abs=1e-6)
    assert model.batches == batches
    assert problems == {}
    assert (heard.totals, heard.steps, heard.finished) == ([11], 11, 1)


def test_no_photos_are_no_rows():
    given, _ = predict_photos(Brightness(), [], 4, SILENT, PLAIN, skip_unreadable=False)
    assert given.shape == (0, 2)


def test_unreadable_photos_are_listed_by_index_and_have_nan(paths):
    # The second batch of four has no readable photo at all.
    lost = [0, 4, 5, 6, 7, 10]
    for place in lost:
        truncate(paths[place])
    given, problems = predict_photos(Brightness(), paths, 4, SILENT, PLAIN, skip_unreadable=True)
    assert sorted(problems) == lost
    assert str(paths[4]) in str(problems[4])
    assert np.isnan(given[lost]).all()
    readable = [place for place in range(11) if place not in lost]
    assert given[readable] == pytest.approx(expected([paths[place] for place in readable]), abs=1e-6)


def test_an_unreadable_photo_is_an_error_unless_it_is_skipped(paths):
    truncate(paths[7])
    with pytest.raises(UnreadablePhoto, match=r"7\.png"):
        predict_photos(Brightness(), paths, 4, SILENT, PLAIN, skip_unreadable=False)


def test_photos_are_decoded_by_the_rule_and_unknown_kinds_by_the_usual_one_with_a_warning(paths):
    grey = np.full((8, 8), 1000, np.uint16)
    for place in (1, 3):
        Image.fromarray(grey).save(paths[place])
    for place in (5, 8):
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(paths[place])
    floats = paths[0].with_suffix(".tif")
    Image.fromarray(grey.astype(np.float32)).save(floats)
    heard = Heard()
    given, problems = predict_photos(
        Brightness(), [*paths, floats], 4, heard, PixelRule(unsigned=(0, 1000)), skip_unreadable=True
    )
    assert given[[1, 3, 5, 8], 0] == pytest.approx(1)
    assert heard.warnings == [
        f"2 photos ({paths[5]}, {paths[8]}) have transparency or 16 bits, of which the stack's rule of pixels says "
        "nothing: transparency is put on white."
    ]
    assert list(problems) == [len(paths)]
    assert "floating-point numbers" in str(problems[len(paths)])
    given, _ = predict_photos(Brightness(), paths[:5], 4, heard, PixelRule(unsigned=(0, 500)), skip_unreadable=True)
    assert heard.warnings[-1] == (
        f"2 photos ({paths[1]}, {paths[3]}) have many pixels beyond the range of the stack's rule of pixels, which "
        "are clipped: whole numbers of more than 8 bits from 0 to 500 become 0 to 255."
    )
    given, _ = predict_photos(Brightness(), paths, 4, heard, PixelRule("black"), skip_unreadable=True)
    assert given[[5, 8], 0] == pytest.approx(0)
    assert given[[1, 3], 0] == pytest.approx(4 / 255)
    assert heard.warnings[2].startswith(f"2 photos ({paths[1]}, {paths[3]}) have transparency or 16 bits")
    assert heard.warnings[2].endswith(": whole numbers of more than 8 bits from 0 to 65535 become 0 to 255.")


def test_values_that_are_not_finite_are_an_error(paths, monkeypatch):
    monkeypatch.setattr(Brightness, "predict_on_batch", lambda _, pixels: np.full((len(pixels[0]), 2), np.nan))
    with pytest.raises(BadData, match="NaN or infinity"):
        predict_photos(Brightness(), paths, 4, SILENT, PLAIN, skip_unreadable=True)


def test_it_stops_between_batches(paths):
    class Stopping(Heard):
        @property
        def stopping(self) -> bool:
            return self.steps >= 8

    with pytest.raises(Interrupted, match="after 8 of 11 photos"):
        predict_photos(Brightness(), paths, 4, Stopping(), PLAIN, skip_unreadable=True)


def test_a_file_that_is_not_a_network_is_one_sentence(tmp_path):
    file = tmp_path / "stack.keras"
    file.write_bytes(b"not a network")
    with pytest.raises(BadData, match=r"Keras \S+ cannot read .*stack\.keras: .*; do this\."):
        open_network(file, "do this.")
