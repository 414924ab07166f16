from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ensembler.errors import BadChoice
from ensembler.options.configuration import Configuration, configure
from ensembler.options.phases import Phase
from ensembler.options.presets import Machine

CPU = Machine()


def written(folder: Path, text: str) -> Path:
    path = folder / "options.toml"
    path.write_text(text)
    return path


@pytest.fixture
def layered(tmp_path: Path) -> Configuration:
    """Every source sets an option of its own, and one that a stronger source sets too."""
    file = written(
        tmp_path,
        """
preset = "quick"
epochs = 2
ema = 0.5
learning-rate = 0.2
hidden = 7
[members.b0]
ema = 0.25
learning_rate = 0.1
""",
    )
    return configure({"learning_rate": "0.4"}, "best", file)


@pytest.mark.parametrize(
    ("member", "option", "value", "source"),
    [
        ("b0", "tta", "crops", "preset best"),
        ("b0", "epochs", 2, "options.toml"),
        ("b0", "hidden", 7, "options.toml"),
        ("b0", "ema", 0.25, "options.toml"),
        ("b1", "ema", 0.5, "options.toml"),
        ("b0", "learning_rate", 0.4, "arguments"),
        ("b1", "learning_rate", 0.4, "arguments"),
        ("b0", "pooling", "average", "default"),
    ],
)
def test_preset_file_table_of_the_member_command(
    layered: Configuration, member: str, option: str, value: object, source: str
) -> None:
    found = layered.resolve_options(CPU, member)
    assert found.options[option] == value  # type: ignore[literal-required]
    assert found.sources[option].endswith(source)
    assert found.sources["ema"].startswith("[members.b0] of ") == (member == "b0")


@pytest.mark.parametrize(
    ("preset", "text", "found"),
    [
        (None, "", ("good", "default")),
        (None, 'preset = "quick"', ("quick", "FILE")),
        ("best", 'preset = "quick"', ("best", "arguments")),
    ],
)
def test_the_preset_is_that_of_the_command_else_of_the_file(
    preset: str | None, text: str, found: tuple[str, str], tmp_path: Path
) -> None:
    file = written(tmp_path, text)
    name, source = configure({}, preset, file).preset
    assert (name, source.replace(str(file), "FILE")) == found


def test_phases_are_tables_or_text(tmp_path: Path) -> None:
    tables = """
[[phases]]
unfreeze = "from:block5"
epochs = 5
learning-rate = 1e-3
batch-norm = "train"
[[phases]]
unfreeze = "all"
epochs = 2
learning_rate = 1e-4
"""
    text = """
phases = ["from:block5 epochs=5 learning-rate=1e-3 batch-norm=train", "all epochs=2 learning-rate=1e-4"]
"""
    phases = (Phase("from:block5", 5, 1e-3, "train"), Phase("all", 2, 1e-4))
    for content in (tables, text):
        assert configure({}, config=written(tmp_path, content)).resolve_settings(CPU, "b0")[0].phases == phases


def test_custom_backbones_of_file_and_command_are_members(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
[backbones.mine]
builder = "nets:small"
image-size = 64
[backbones.other]
builder = "nets:other"
image-size = 32
preprocessing = "tf"
[members.mine]
seed = 3
""",
    )
    found = configure({"backbones": ["mine=nets:large,size=96"]}, config=file)
    assert {name: backbone.builder for name, backbone in found.custom_backbones.items()} == {
        "mine": "nets:large",
        "other": "nets:other",
    }
    mine, other = (found.resolve_settings(CPU, name)[0] for name in ("mine", "other"))
    assert (mine.builder, mine.image_size, mine.seed) == ("nets:large", 96, 3)
    assert (other.builder, other.image_size, other.preprocessing) == ("nets:other", 32, "tf")
    assert found.find_backbone("b0").name == "b0"
    with pytest.raises(BadChoice, match=r"no backbone named 'mime': did you mean mine"):
        found.find_backbone("mime")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs =", r"Cannot read .*options\.toml \(.*\): config takes TOML as `ensembler\.config\(\)` prints it"),
        ("epcohs = 3", r"no option in .*options\.toml named 'epcohs': did you mean epochs"),
        ("epochs = 0", r"^epochs in .*options\.toml must be a whole number, at least 1\. Received: 0"),
        ("batch-size = 'many'", r"^batch-size in .*options\.toml must be a whole number, at least 1\. Received: many"),
        ("preset = 'god'", r"^preset in .*options\.toml takes quick, good or best\. Received: god"),
        ("preset = 3", "takes quick, good or best. Received: 3"),
        ("members = 'b0'", r"must be tables, such as \[members\.b0\]"),
        ("[members]\nb0 = 3", r"must be tables, such as \[members\.b0\]"),
        ("[members.b00]\nepochs = 3", "no backbone named 'b00': did you mean b0"),
        (
            "[members.b0]\nepcohs = 3",
            r"no option in \[members\.b0\] of .*options\.toml named 'epcohs': did you mean epochs",
        ),
        (
            "[members.b0]\nepochs = 0",
            r"^epochs in \[members\.b0\] of .*options\.toml must be a whole number, at least 1",
        ),
        ("[members.b0]\ndata_parallel = true", r"no option in \[members\.b0\] of .* named 'data_parallel'"),
        ("[member.b0]\nepochs = 3", r"no option in .*options\.toml named 'member'"),
        ("[backbones.b0]\nbuilder = 'a:b'\nimage_size = 8", "b0 is a backbone of keras.applications"),
        ("[[phases]]\nunfreeze = 'all'", "lacks epochs and learning-rate"),
        ("phases = 3", "takes at least one phase in a list"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence_that_names_it(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match=words):
        configure({}, config=written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match=r"Cannot read .*nowhere\.toml \(No such file or directory\)"):
        configure({}, config=tmp_path / "nowhere.toml")


def test_a_wrong_preset_of_the_command_is_refused() -> None:
    with pytest.raises(BadChoice, match=r"^preset takes quick, good or best\. Received: great"):
        configure({}, "great")


@pytest.mark.parametrize("options", [{"epochs": 0}, {"epcohs": 3}], ids=str)
def test_options_of_the_command_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(BadChoice):
        configure(options)


@pytest.mark.parametrize(
    ("member", "hidden", "ema", "sources"),
    [
        ("b0", 12, 0.0, ("[members.b0]", "preset good")),
        ("b0@strong", 12, 0.5, ("[members.b0]", "[members.b0@strong]")),
        ("b0@mild", 1, 0.25, ("[members.b0@mild]", "[members.b0@mild]")),
        ("b0@other", 12, 0.0, ("[members.b0]", "preset good")),
        ("b1@strong", 7, 0.0, ("options.toml", "preset good")),
    ],
)
def test_what_holds_for_a_backbone_holds_for_its_members_with_labels_weaker_than_their_own(
    tmp_path: Path, member: str, hidden: int, ema: float, sources: tuple[str, str]
) -> None:
    file = written(
        tmp_path,
        'hidden = 7\n[members."b0@mild"]\nhidden = 1\nema = 0.25\n[members.b0]\nhidden = 12\n'
        '[members."b0@strong"]\nema = 0.5\n',
    )
    found = configure({"unfreeze": "all"}, config=file).resolve_options(CPU, member)
    assert (found.options["hidden"], found.options["ema"]) == (hidden, ema)
    for option, source in zip(("hidden", "ema"), sources, strict=True):
        assert source in found.sources[option]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[members."b00@strong"]\nema = 0.5\n', "no backbone named 'b00': did you mean"),
        ('[members."b0@"]\nema = 0.5\n', "write BACKBONE@LABEL"),
        ('[backbones."mine@x"]\nbuilder = "nets:build"\nimage_size = 96\n', "'mine@x' is not a valid backbone name"),
    ],
)
def test_names_with_labels_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        configure({}, config=written(tmp_path, text))


def test_a_custom_backbone_accepts_labels() -> None:
    found = configure({"backbones": ["mine=nets:build,size=96"]})
    assert found.find_backbone("mine@x").name == "mine"
