"""``ensembler backbones``: what can be trained, and which weights are at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ensembler.cli import commands
from ensembler.errors import BadChoice
from ensembler.workflows.backbones import list_backbones


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with weights of b0 under our name, and of vgg16 under Keras's in ``models``."""
    (tmp_path / "models").mkdir()
    (tmp_path / "b0.weights.h5").touch()
    (tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5").touch()
    return tmp_path


def test_weights_are_found_under_both_names(weights: Path) -> None:
    found = {one.name: one.weights for one in list_backbones(["b?", "vgg16"], weights=weights)}
    assert found["b0"] == weights / "b0.weights.h5"
    assert found["vgg16"] == weights / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert found["b1"] is None


def test_without_a_folder_keras_own_is_looked_into(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(weights))
    assert [one.name for one in list_backbones() if one.weights] == ["b0", "vgg16"]
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(Path, "home", lambda: weights / "nobody")
    assert not any(one.weights for one in list_backbones())


@pytest.mark.parametrize(
    ("sort", "first"), [("registry", "b0"), ("size", "mobilenet-0.25"), ("accuracy", "convnextxl"), ("name", "b0")]
)
def test_order(sort: str, first: str) -> None:
    found = list_backbones(sort=sort)  # type: ignore[arg-type]
    assert (found[0].name, len(found)) == (first, 50)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match=r"The folder .* does not exist"):
        list_backbones(weights=tmp_path / "none")


def test_the_table(weights: Path) -> None:
    result = CliRunner().invoke(commands, ["backbones", "b0,mobilenet-0.5,demo-conv", "--weights", str(weights)])
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["backbone", "in", "Keras", "pixels", "parameters", "MB", "ImageNet", "weights"]
    assert lines[1] == ["b0", "EfficientNetB0", "224", "4.05", "M", "16.2", "77.1%", "b0.weights.h5"]
    # No accuracy is documented for this width.
    assert lines[2] == ["mobilenet-0.5", "MobileNet", "160", "0.83", "M", "3.3"]
    assert lines[3] == ["demo-conv", "conv_network", "8"]


def test_json_and_a_note_where_nothing_is_at_hand(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands, ["backbones", "v2s", "--json", "--weights", str(tmp_path)])
    assert json.loads(result.stdout)[0]["accuracy"] == 0.839
    plain = CliRunner().invoke(commands, ["backbones", "v2s", "--weights", str(tmp_path)])
    assert "contains no weights of these backbones" in plain.stderr
