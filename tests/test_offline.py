from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from photos import Heard, truncate, write_photo

from ensembler.errors import BadData
from ensembler.images.decoding import decode_photo
from ensembler.submission.notebook import offline
from ensembler.submission.notebook.offline import PrintedLines, predict

# Loaded before the network is; Kaggle's image has the first, our dataset brings the others.
IN_KAGGLES_IMAGE = {"numpy", "pandas", "PIL", "dateutil", "six", "pytz", "defusedxml", "cython_runtime"}
SHIPPED = {"ensembler", "tomli_w"}


class Brightness:
    """Stands for a network of two sizes: it gives each photo's mean at both."""

    inputs = (SimpleNamespace(shape=(None, 8, 8, 3)), SimpleNamespace(shape=(None, 4, 4, 3)))

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict_on_batch(self, pixels: list[np.ndarray]) -> np.ndarray:
        self.batches.append(len(pixels[0]))
        return np.stack([size.mean(axis=(1, 2, 3)) / 255 for size in pixels], axis=1).astype(np.float32)


def test_photos_are_predicted_in_order_in_small_batches(tmp_path: Path) -> None:
    paths = [write_photo(tmp_path / f"{number}.png", number) for number in range(70)]
    model = Brightness()
    given, problems = predict(model, paths, Heard())
    expected = [[decode_photo(path, size).mean() / 255 for size in (8, 4)] for path in paths]
    assert given == pytest.approx(np.array(expected), abs=1e-6)
    assert model.batches == [32, 32, 6]
    assert problems == {}


def test_unreadable_photos_are_told_by_their_place(tmp_path: Path) -> None:
    paths = [write_photo(tmp_path / f"{number}.png", number) for number in range(70)]
    for lost in (0, 33, 69):
        truncate(paths[lost])
    given, problems = predict(Brightness(), paths, Heard())
    readable = [path for place, path in enumerate(paths) if place not in (0, 33, 69)]
    assert sorted(problems) == [0, 33, 69]
    assert given[:, 0] == pytest.approx([decode_photo(path, 8).mean() / 255 for path in readable], abs=1e-6)


def test_a_batch_without_a_readable_photo_is_passed_over(tmp_path: Path) -> None:
    paths = [write_photo(tmp_path / f"{number}.png", number) for number in range(40)]
    for path in paths[:32]:
        truncate(path)
    given, problems = predict(Brightness(), paths, Heard())
    assert (len(given), len(problems)) == (8, 32)


def test_no_readable_photo_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"None of 1 photo can be read \(first: .*nowhere\.png"):
        predict(Brightness(), [tmp_path / "nowhere.png"], Heard())


def test_values_that_are_no_numbers_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Brightness, "predict_on_batch", lambda _, pixels: np.full((len(pixels[0]), 2), np.nan))
    with pytest.raises(BadData, match="no numbers"):
        predict(Brightness(), [write_photo(tmp_path / "1.png")], Heard())


def test_the_log_tells_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "_LINE_EVERY", 0.0)
    lines = PrintedLines()
    task = lines.start("predict photos", 3)
    task.advance(2)
    task.advance()
    task.finish()
    lines.warn("one is lost")
    told = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" in ")[0] for line in told[:3]] == [
        "predict photos: 2 of 3",
        "predict photos: 3 of 3",
        "predict photos: 3 of 3",
    ]
    assert told[3] == "Warning: one is lost"


def test_before_the_network_only_what_kaggle_or_our_dataset_has_is_loaded() -> None:
    code = "import sys, ensembler.submission.notebook.offline; print(*{name.partition('.')[0] for name in sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in ended.stdout.split() if not name.startswith("_")} - sys.stdlib_module_names
    assert loaded <= IN_KAGGLES_IMAGE | SHIPPED
