from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ensembler.backbones.custom import make_custom_backbone, parse_custom_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.errors import BadChoice
from ensembler.options.phases import Phase
from ensembler.options.presets import Machine
from ensembler.options.reading import OPTIONS
from ensembler.options.resolve import UNUSED_WHEN_FROZEN, choose_settings, list_unused_options, resolve_options
from ensembler.options.settings import MemberSettings
from ensembler.options.sources import OptionSource
from ensembler.storage import compute_file_digest

GPU = Machine(16 * 2**30, ((8, 0),))
# A value of each option that no default has.
CHANGED: dict[str, Any] = {
    "weights": "none",
    "head": "random",
    "pooling": "max",
    "hidden": 64,
    "dropout": 0.25,
    "flips": False,
    "augmentation": "pixels",
    "label_smoothing": 0.125,
    "class_weights": "balanced",
    "weight_decay": 0.375,
    "clip_norm": 3.0,
    "first_block_rate": 0.75,
    "ema": 0.875,
    "patience": 3,
    "precision": "float16",
    "tta": "crops",
    "image_size": 96,
    "batch_size": 6,
    "seed": 8,
}


def settings_of(name: str = "b0", **options: Any) -> MemberSettings:
    return choose_settings(find_backbone(name), options)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CHANGED)
def test_an_option_reaches_the_setting_of_its_name(name: str) -> None:
    options = {"unfreeze": "all", name: CHANGED[name]}
    assert getattr(settings_of(**options), name) == CHANGED[name]
    if name != "head":
        assert getattr(settings_of(unfreeze="all"), name) != CHANGED[name]


def test_every_option_is_a_setting_a_phase_or_tried_above() -> None:
    phases = {"unfreeze", "epochs", "learning_rate", "batch_norm", "phases"}
    assert CHANGED.keys() | phases | {"backbones", "data_parallel", "exclude", "relabel"} == set(OPTIONS)


def test_a_single_phase_or_several() -> None:
    several = (Phase("none", 3, 1e-3), Phase("all", 9, 1e-4, "train"))
    assert settings_of(phases=list(map(str, several))).phases == several
    one = settings_of(unfreeze="last:3", epochs=7, learning_rate=0.5, batch_norm="train")
    assert one.phases == (Phase("last:3", 7, 0.5, "train"),)


def test_a_frozen_member_has_no_phases_and_no_unused_settings() -> None:
    options = {name: CHANGED[name] for name in UNUSED_WHEN_FROZEN}
    plain, odd = settings_of(unfreeze="none"), settings_of(unfreeze="none", epochs=7, **options)
    assert plain == odd
    assert plain.frozen


@pytest.mark.parametrize(
    ("options", "unused"),
    [
        ({"unfreeze": "none", "epochs": 3, "ema": 0.5, "flips": True}, ["epochs", "ema"]),
        ({"unfreeze": "all", "epochs": 3, "ema": 0.5}, []),
        ({"unfreeze": "none"}, []),
    ],
    ids=str,
)
def test_options_without_effect_are_listed(options: Any, unused: list[str]) -> None:
    assert list_unused_options(options, settings_of(**options)) == unused


@pytest.mark.parametrize(("name", "size"), [("b3", 300), ("mobilenet-0.5", 160)])
def test_a_backbone_brings_its_own_size(name: str, size: int) -> None:
    assert settings_of(name).image_size == size
    assert settings_of(name, image_size=96).image_size == 96


def test_what_the_demo_is_trained_by() -> None:
    """The demo's figures are options in the documents: its settings stay what they were."""
    found = settings_of("demo-conv", weights="none", unfreeze="all", epochs=10, batch_size=64)
    assert found == MemberSettings(
        backbone="demo-conv",
        builder="",
        preprocessing="",
        weights="none",
        image_size=8,
        batch_size=64,
        seed=0,
        pooling="average",
        hidden=0,
        dropout=0.0,
        head="random",
        flips=False,
        phases=(Phase("all", 10, 5e-3, "train"),),
        augmentation="none",
        label_smoothing=0.0,
        class_weights="none",
        weight_decay=0.0,
        clip_norm=0.0,
        first_block_rate=1.0,
        ema=0.0,
        patience=0,
        precision="float32",
        tta="none",
    )


def test_weights_of_a_folder_are_known_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "b0.weights.h5"
    path.write_bytes(b"numbers")
    settings, source = choose_settings(find_backbone("b0"), {"weights": str(tmp_path)})
    assert settings.weights == compute_file_digest(path)
    assert source == str(path)


def test_a_folder_without_the_weights_lists_what_it_contains(tmp_path: Path) -> None:
    (tmp_path / "b1.weights.h5").touch()
    with pytest.raises(BadChoice, match=r"no b0\.weights\.h5.* It contains weights of b1"):
        settings_of(weights=str(tmp_path))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("b0", {"weights": "nowhere"}, r"The folder /.*/nowhere does not exist: weights accepts"),
        ("demo-conv", {}, "demo-conv has no ImageNet weights"),
        ("b0", {"head": "random"}, "head='random' is never trained with unfreeze='none'"),
        ("b0", {"epochs": 0}, "epochs must be a whole number, at least 1. Received: 0"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        settings_of(name, **options)


def test_automatic_precision_becomes_the_machines() -> None:
    b0 = find_backbone("b0")
    found = resolve_options(b0, [], machine=GPU)
    assert (found.options["precision"], found.sources["precision"]) == ("bfloat16", "fast on this GPU")
    asked = resolve_options(b0, [OptionSource("x", {"precision": "float32"})], machine=GPU)
    assert (asked.options["precision"], asked.sources["precision"]) == ("float32", "x")
    assert resolve_options(b0, []).options["precision"] == "float32"


def test_a_custom_function() -> None:
    own = parse_custom_backbone("mine=nets:build,size=96,preprocessing=tf")
    settings, source = choose_settings(own, {"weights": "none"})
    assert (settings.backbone, settings.builder, settings.preprocessing) == ("mine", "nets:build", "tf")
    assert (settings.weights, source, settings.image_size) == ("own", "own", 96)


def own_file(folder: Path, size: int | None) -> Path:
    """Write the architecture without weights, which is all that is read before training."""
    path = folder / "net.keras"
    layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, size, size, 3]}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [layer]}}))
    return path


def test_a_custom_file(tmp_path: Path) -> None:
    file = own_file(tmp_path, 96)
    settings, source = choose_settings(make_custom_backbone(str(file)), {})
    assert (settings.backbone, settings.builder, settings.preprocessing) == ("net", "file", "inside")
    assert (settings.weights, source, settings.image_size) == (compute_file_digest(file), str(file), 96)
    with pytest.raises(BadChoice, match="accepts photos of 96 pixels, not of 64"):
        choose_settings(make_custom_backbone(str(file)), {"image_size": 64})
