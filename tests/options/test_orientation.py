from __future__ import annotations

import pytest

from ensembler.errors import BadChoice
from ensembler.options.configuration import configure
from ensembler.options.orientation import keep_orientation, list_turning_options
from ensembler.options.presets import Machine

GPU = Machine(16 * 2**30, ((8, 0),))


@pytest.mark.parametrize(("preset", "augmentation"), [("quick", "none"), ("good", "pixels"), ("best", "pixels")])
def test_presets_neither_mirror_nor_turn_photos(preset, augmentation):
    before = configure({}, preset)
    assert bool(list(list_turning_options(before.resolve_options(GPU, "b0").options))) is (preset != "quick")
    options = keep_orientation(before).resolve_options(GPU, "b0").options
    assert list(list_turning_options(options)) == []
    assert (options["flips"], options["augmentation"], options["tta"]) == (False, augmentation, "rotations")


@pytest.mark.parametrize(
    ("name", "value"),
    [("flips", True), ("augmentation", "crops"), ("augmentation", "strong"), ("tta", "flip"), ("tta", "crops")],
)
def test_options_that_mirror_or_turn_photos_are_refused_with_the_reason(name, value):
    with pytest.raises(BadChoice, match=f"{name}.* mirrored photo rotated by 90 degrees looks like"):
        keep_orientation(configure({name: value}))


@pytest.mark.parametrize("table", ["", "[members.b0]\n"])
def test_options_of_a_file_are_refused_with_the_name_of_the_file(tmp_path, table):
    file = tmp_path / "options.toml"
    file.write_text(f'{table}tta = "flip"\n')
    with pytest.raises(BadChoice, match=r"in .*options\.toml does not fit an orientation task"):
        keep_orientation(configure({}, config=file))


@pytest.mark.parametrize(
    "options", [{"flips": False}, {"augmentation": "pixels"}, {"tta": "none", "epochs": 3}, {"tta": "rotations"}]
)
def test_other_options_stay(options):
    resolved = keep_orientation(configure(options)).resolve_options(GPU, "b0").options
    assert options.items() <= resolved.items()
