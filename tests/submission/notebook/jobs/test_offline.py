from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.networks_made import Brightness
from helpers.photos import Heard, truncate, write_photo

from ensembler.competition.pixels import PLAIN
from ensembler.errors import BadData
from ensembler.images.decoding import decode_photo
from ensembler.submission.notebook.jobs.offline import predict_readable

# Loaded before the network is; Kaggle's image has the first (Keras needs rich), our dataset brings the others.
IN_KAGGLES_IMAGE = {"numpy", "pandas", "PIL", "rich", "dateutil", "six", "pytz", "defusedxml", "cython_runtime"}
SHIPPED = {"ensembler", "tomli_w"}


def test_the_readable_photos_answers_and_the_places_of_the_others(tmp_path: Path) -> None:
    paths = [write_photo(tmp_path / f"{number}.png", number) for number in range(70)]
    for lost in (0, 33, 69):
        truncate(paths[lost])
    given, problems = predict_readable(Brightness(), paths, Heard(), PLAIN)
    readable = [path for place, path in enumerate(paths) if place not in (0, 33, 69)]
    assert sorted(problems) == [0, 33, 69]
    assert given[:, 0] == pytest.approx([decode_photo(path, 8).mean() / 255 for path in readable], abs=1e-6)


def test_no_readable_photo_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"None of 1 photo can be read \(first: .*nowhere\.png"):
        predict_readable(Brightness(), [tmp_path / "nowhere.png"], Heard(), PLAIN)


def test_before_the_network_only_what_kaggle_or_our_dataset_has_is_loaded() -> None:
    code = (
        "import sys, ensembler.submission.notebook.jobs.offline\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in ended.stdout.split() if not name.startswith("_")} - sys.stdlib_module_names
    assert loaded <= IN_KAGGLES_IMAGE | SHIPPED
