from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ensembler.backbones.custom import make_custom_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.backbones.weight_files import BuiltNetwork, list_weight_files
from ensembler.job_files import JobFiles

B0 = find_backbone("b0")


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "models").mkdir(parents=True)
    return tmp_path / "keras"


def test_downloaded_weights_are_sent_and_others_are_downloaded_there(keras_home: Path) -> None:
    networks = [BuiltNetwork(B0, 224, "imagenet"), BuiltNetwork(find_backbone("v2b0"), 224, "imagenet")]
    (keras_home / "models" / "efficientnetb0_notop.h5").touch()
    assert list_weight_files(networks) == JobFiles()
    (keras_home / "models" / "efficientnetv2-b0_notop.h5").touch()
    files = list_weight_files(networks)
    assert files.environment == {"KERAS_HOME": str(keras_home)}
    names = ["models/efficientnetb0_notop.h5", "models/efficientnetv2-b0_notop.h5", "keras.json"]
    assert files.reads == tuple(str(keras_home / name) for name in names)


def test_a_file_of_weights_is_sent_and_random_weights_need_none(keras_home: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "b0.weights.h5")
    assert list_weight_files([BuiltNetwork(B0, 224, file)]) == JobFiles(reads=(file,))
    assert list_weight_files([BuiltNetwork(B0, 224, "none")]) == JobFiles()


def test_the_code_of_a_custom_function_is_sent_from_the_working_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mynets.py").touch()
    (tmp_path / "mypackage" / "below").mkdir(parents=True)
    (tmp_path / "mypackage" / "__init__.py").write_text("raise RuntimeError('must not be imported')")

    def list_reads(builder: str) -> tuple[str, ...]:
        backbone = make_custom_backbone(builder, image_size=32)
        return list_weight_files([BuiltNetwork(backbone, 32, "own")]).reads

    assert list_reads("mynets:build") == (str(tmp_path / "mynets.py"),)
    assert list_reads("mypackage.below.nets:build") == (f"{tmp_path / 'mypackage'}/**/*.py",)
    assert list_reads("json:loads") == ()
    assert list_reads("nowhere:build") == ()
    assert "mypackage" not in sys.modules
