from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ensembler.options.configuration import configure
from ensembler.options.presets import Machine
from ensembler.workflows.config import config, format_configuration

CPU, GPU = Machine(8 * 2**30), Machine(16 * 2**30, ((8, 9),))
FILE = """
preset = "best"
phases = ["none epochs=1 learning-rate=0.0123456789", "all epochs=2 learning-rate=1e-5 batch-norm=train"]
[members.b3]
unfreeze = "last:4"
hidden = 12
[members.vgg16]
phases = ["from:block5 epochs=5 learning-rate=1e-3"]
"""
LABELS = """
hidden = 3
tta = "none"
[members.b3]
hidden = 12
epochs = 7
unfreeze = "all"
[members."b3@strong"]
hidden = 3
tta = "crops"
[members."mine@x"]
dropout = 0.5
"""
MEMBERS = ["b0", "b3", "vgg16", "convnextt", "demo-conv", "mine", "b3@strong", "mine@x"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, ""),
        ({"weights": "none"}, ""),
        ({"flips": False, "image_size": 64, "batch_size": 3}, 'preset = "quick"'),
        ({}, FILE),
        ({}, LABELS),
        ({"unfreeze": "all", "ema": "0.3"}, FILE),
        ({"phases": ["all epochs=1 learning-rate=1"]}, FILE),
    ],
    ids=["defaults", "nothing", "sizes", "file", "labels", "unfreeze", "phase"],
)
@pytest.mark.parametrize("machine", [CPU, GPU], ids=["cpu", "gpu"])
def test_what_is_printed_gives_the_same_settings_on_any_machine(
    options: dict[str, Any], text: str, machine: Machine, tmp_path: Path
) -> None:
    given, printed = tmp_path / "given.toml", tmp_path / "printed.toml"
    given.write_text(text)
    asked = configure({"weights": "none", "backbones": ["mine=nets:build,size=96"], **options}, config=given)
    printed.write_text(format_configuration(asked, MEMBERS, machine))
    again = configure({}, config=printed)
    for member in MEMBERS:
        assert again.resolve_settings(Machine(), member) == asked.resolve_settings(machine, member)


def lines(text: str) -> dict[str, str]:
    """What each comment says of its line."""
    pairs = [line.split("  # ") for line in text.splitlines() if "  # " in line]
    return {before.split(" =")[0].strip(): comment for before, comment in pairs}


def test_each_value_says_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('ema = 0.5\nphases = ["all epochs=1 learning-rate=1"]\n[members.vgg16]\nhidden = 4\n')
    asked = configure({"seed": 3}, config=file)
    options = lines(format_configuration(asked, ["vgg16"], GPU))
    assert options == {
        **options,
        "preset": "default",
        "ema": str(file),
        "phases": str(file),
        "seed": "arguments",
        "tta": "preset good",
        "precision": "fast on this GPU",
        "hidden": f"[members.vgg16] of {file}",
        "image_size": "vgg16's own",
        "batch_size": "memory of the GPU",
    }
    assert lines(format_configuration(configure({}), [], CPU))["unfreeze"] == "no GPU"
    assert lines(format_configuration(configure({}), ["vgg16"], CPU))["learning_rate"] == "family vgg"


def test_members_tell_what_differs_alone() -> None:
    options = tomllib.loads(format_configuration(configure({}), ["b3", "mobilenetv2-0.35"], CPU))
    assert options["members"] == {
        "b3": {"image_size": 300, "batch_size": 8},
        "mobilenetv2-0.35": {"image_size": 224, "batch_size": 32},
    }
    assert "image_size" not in options


def test_own_backbones_are_tables() -> None:
    options = tomllib.loads(format_configuration(configure({"backbones": ["mine.x=nets:build,size=96"]}), [], CPU))
    assert options["backbones"] == {"mine.x": {"builder": "nets:build", "image_size": 96, "preprocessing": "inside"}}


def test_without_names_the_files_tables_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[members.b3]\nhidden = 4\n")
    assert tomllib.loads(config(config=file))["members"]["b3"]["hidden"] == 4
    assert "b3" not in tomllib.loads(config(["b0"], config=file))["members"]


def test_odd_names_of_files_stay_within_their_comment(tmp_path: Path) -> None:
    file = tmp_path / "a\nepochs = 99 #.toml"
    file.write_text("ema = 0.5")
    options = tomllib.loads(config(config=file))
    assert (options["ema"], options["epochs"]) == (0.5, 5)


def test_the_command_prints_it_without_heavy_libraries(tmp_path: Path) -> None:
    code = """
import sys
from ensembler.cli import commands
words = ["--members", "b0", "--no-flips", "--phase", "all epochs=1 learning-rate=1"]
commands.main(["config", *words], standalone_mode=False)
print("# loaded:", *sorted({name.split(".")[0] for name in sys.modules}))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert not loaded & {"tensorflow", "keras", "pandas", "sklearn", "scipy", "PIL"}
    options = tomllib.loads(ended.stdout)
    assert options["flips"] is False
    assert options["phases"] == ["all epochs=1 learning-rate=1.0 batch-norm=frozen"]
