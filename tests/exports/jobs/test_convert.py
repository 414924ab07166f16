from __future__ import annotations

from pathlib import Path

import pytest
from helpers.exports_made import make_card

from ensembler.errors import StorageError
from ensembler.exports.jobs import writers
from ensembler.exports.jobs.convert import _write


@pytest.mark.parametrize(
    ("error", "raised", "said"),
    [
        (OSError(28, "No space left on device"), StorageError, "scratch: No space.* TMPDIR"),
        (OSError(5, "Input/output error"), OSError, "Input/output error"),
    ],
)
def test_a_full_disk_names_the_folder_of_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, raised: type[Exception], said: str
) -> None:
    def write(*_: object) -> None:
        raise error

    monkeypatch.setattr(writers, "WRITERS", {"onnx": write})
    with pytest.raises(raised, match=said):
        _write(None, make_card(), tmp_path / "scratch" / "a.onnx", {"pixels_8": 8}, [tmp_path / "a.png"])


def test_what_a_converter_raises_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise NotImplementedError("no\nsuch layer")

    monkeypatch.setattr(writers, "WRITERS", {"onnx": write})
    reason = _write(None, make_card(), tmp_path / "a.onnx", {"pixels_8": 8}, [tmp_path / "a.png"])
    assert reason == "it cannot be converted (NotImplementedError: no such layer)"
