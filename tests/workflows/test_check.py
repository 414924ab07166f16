"""Faults that are planted in made photos are found as what they are, and nothing else is."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.checks_made import check_photos, list_class, list_tests, save_photo, write_clean_photos
from helpers.copies_made import COPIES, scene
from helpers.members_made import FOLDS, record_of
from helpers.photos import Heard, truncate
from PIL import Image, ImageOps

from ensembler.checks.doubt import Doubt
from ensembler.checks.labels.doubts import WRONG, LabelDoubts
from ensembler.checks.result import DOUBT_COLUMNS, CheckResult, load_check, load_doubts
from ensembler.cli import commands
from ensembler.competition.folds.file import load_or_make_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.tables import load_tables
from ensembler.errors import BadData, Mismatch
from ensembler.images.views import WHOLE_VIEW
from ensembler.members.features.files import build_feature_path
from ensembler.paths import Workspace
from ensembler.workflows.check import check
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch
from ensembler.workflows.status.standing import LastCheck
from ensembler.workflows.status.status import status

Plant = Callable[[Path], object]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clean_photos(tmp_path_factory.mktemp("clean") / "photos")


def end_early(path: Path) -> None:
    """Cut off the second half of a JPEG and mark its end, as some programs do."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff\xd9")


def copy_as(path: Path, other: Path, kind: str = "compressed") -> Path:
    """Save a changed copy of a photo in the place of another one."""
    with Image.open(path) as photo:
        return save_photo(COPIES[kind](photo.convert("RGB")), other)


def copy_file(path: Path, other: Path) -> None:
    other.write_bytes(path.read_bytes())


def turn(path: Path) -> None:
    with Image.open(path) as photo:
        exif = photo.getexif()
        exif[0x0112] = 6
        photo.rotate(90, expand=True).save(path, exif=exif, quality=90)


def convert(path: Path, mode: str, suffix: str) -> None:
    with Image.open(path) as photo:
        converted = photo.convert(mode)
    path.unlink()
    converted.save(path.with_suffix(suffix))


def write_transparent(path: Path) -> None:
    with Image.open(path) as photo:
        photo.putalpha(Image.radial_gradient("L").resize(photo.size))
    path.unlink()
    photo.save(path.with_suffix(".png"))


def write_deep(path: Path) -> None:
    with Image.open(path) as photo:
        levels = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    path.unlink()
    Image.fromarray(levels).save(path.with_suffix(".png"))


def compress(paths: list[Path]) -> None:
    for path in paths:
        with Image.open(path) as photo:
            photo.convert("RGB").save(path, quality=40)


def widen(paths: list[Path]) -> None:
    for path in paths:
        with Image.open(path) as photo:
            ImageOps.fit(photo.convert("RGB"), (170, 120)).save(path, quality=90)


def remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


def add_rare_class(root: Path) -> None:
    for seed in range(3):
        save_photo(scene(500 + seed), root / "train" / "birds" / f"b{seed}x.jpg")


def add_imbalance(root: Path) -> None:
    for seed in range(36):
        save_photo(scene(500 + seed), root / "train" / "cats" / f"{1200 + 7 * seed}.jpg")
    remove(list_class(root, "dogs")[6:])


def save(photo: Image.Image) -> Callable[[Path], object]:
    return lambda path: save_photo(photo, path)


# Kind of the doubt, set, and how it is planted in a photo.
FAULTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "text": ("unreadable photo", "train", lambda path: path.write_text("no photo")),
    "text to predict": ("unreadable photo", "test", lambda path: path.write_text("no photo")),
    "truncated": ("truncated photo", "train", truncate),
    "truncated, with a marked end": ("truncated photo", "train", end_early),
    "black": ("blank photo", "train", save(Image.new("RGB", (160, 120)))),
    "grey to predict": ("blank photo", "test", save(Image.new("RGB", (160, 120), (90, 90, 90)))),
    "tiny": ("tiny photo", "train", save(scene(900, (16, 12)))),
    "long": ("odd size", "train", save(scene(901, (400, 60)))),
    "large to predict": ("odd size", "test", save(scene(902, (640, 480)))),
    "grey": ("odd mode", "train", lambda path: convert(path, "L", ".jpg")),
    "grey as three channels": ("odd mode", "test", save(scene(903).convert("L").convert("RGB"))),
    "colours of print": ("odd mode", "train", lambda path: convert(path, "CMYK", ".jpg")),
    "palette": ("odd mode", "train", lambda path: convert(path, "P", ".png")),
    "transparency": ("odd mode", "train", write_transparent),
    "16 bits": ("odd mode", "train", write_deep),
    "turned by EXIF": ("EXIF rotation", "train", turn),
}
# Kind of the doubts, classes or sets of two photos, and how the second becomes a copy of the first.
PAIRS: dict[str, tuple[str, tuple[str, str], Callable[[Path, Path], object]]] = {
    "same file": ("identical photos", ("cats", "cats"), copy_file),
    "same file in both": ("identical photos", ("cats", "test"), copy_file),
    "same file to predict": ("identical photos", ("test", "test"), copy_file),
    "mirrored": ("near-duplicates", ("dogs", "dogs"), partial(copy_as, kind="mirrored")),
    "cut, in both": ("near-duplicates", ("dogs", "test"), partial(copy_as, kind="cut by 4 %")),
    "compressed, to predict": ("near-duplicates", ("test", "test"), partial(copy_as, kind="compressed")),
    "clash": ("clashing labels", ("cats", "dogs"), partial(copy_as, kind="brighter")),
}


def list_doubts(workspace: Workspace) -> dict[tuple[str, str], str]:
    """Kind of each doubt by set and name of the photo, which has one doubt only."""
    doubts = load_doubts(workspace.competition("made"))
    found = {(each.set, Path(each.path).stem): each.kind for each in doubts}
    assert len(found) == len(doubts)
    return found


def test_planted_faults_are_found_and_nothing_else_is(clean: Path, tmp_path: Path, workspace: Workspace) -> None:
    root = shutil.copytree(clean, tmp_path / "photos")
    unused = {"train": [*list_class(root), *list_class(root, "dogs")], "test": list_tests(root)}
    expected = {}
    for kind, name, plant in FAULTS.values():
        # Both classes lose photos, so that none of them is told by its faults.
        path = unused[name].pop(0 if len(expected) % 2 else -1)
        plant(path)
        expected[name, path.stem] = kind
    result = check_photos(root, workspace)
    assert list_doubts(workspace) == expected
    counts = Counter((kind, name) for kind, name, _ in FAULTS.values())
    assert {(each.kind, each.set): each.number for each in result.findings} == counts
    suggested = {each.kind for each in load_doubts(workspace.competition("made")) if each.suggestion == "exclude"}
    assert suggested == {"truncated photo", "blank photo"}


def test_planted_copies_are_found_and_nothing_else_is(clean: Path, tmp_path: Path, workspace: Workspace) -> None:
    root = shutil.copytree(clean, tmp_path / "photos")
    unused = {"cats": list_class(root), "dogs": list_class(root, "dogs"), "test": list_tests(root)}
    expected, counts = {}, Counter[tuple[str, str]]()
    for kind, places, plant in PAIRS.values():
        one, other = (unused[place].pop() for place in places)
        plant(one, other)
        sets = ["test" if place == "test" else "train" for place in places]
        expected |= {(name, path.stem): kind for name, path in zip(sets, (one, other), strict=True)}
        counts[kind, sets[0] if sets[0] == sets[1] else "both"] += 1
    result = check_photos(root, workspace)
    assert list_doubts(workspace) == expected
    assert {(each.kind, each.set): each.number for each in result.findings} == counts
    assert (result.duplicates.training, result.duplicates.contradicting) == (6, 1)
    assert "In all, 6 training photos show the same picture as others; 1 pair has clashing labels." in str(result)


# Kind of the finding, its set and number, and how it is planted.
SETTINGS: dict[str, tuple[str, str, int, Plant]] = {
    "clean": ("", "", 0, lambda root: None),
    "rare class": ("rare class", "train", 1, add_rare_class),
    "imbalance": ("class imbalance", "train", 1, add_imbalance),
    "file size": ("leak", "train", 4, lambda root: compress(list_class(root))),
    "width": ("leak", "train", 4, lambda root: widen(list_class(root, "dogs"))),
}


@pytest.mark.parametrize(("kind", "name", "number", "plant"), SETTINGS.values(), ids=SETTINGS.keys())
def test_doubts_about_all_photos_are_found_and_nothing_else_is(
    kind: str, name: str, number: int, plant: Plant, clean: Path, tmp_path: Path, workspace: Workspace
) -> None:
    root = shutil.copytree(clean, tmp_path / "photos")
    plant(root)
    result = check_photos(root, workspace)
    assert [(each.kind, each.set) for each in result.findings] == ([(kind, name)] if kind else [])
    assert [each.number >= number for each in result.findings] == [True] * bool(kind)
    assert (result.doubts, list_doubts(workspace)) == (0, {})
    if not kind:
        assert "No doubts were found." in str(result)
        assert [path.name for path in result.files] == ["check.json", "doubts.csv"]


@pytest.fixture(scope="module")
def darker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, CheckResult]:
    """A competition whose photos to predict are darker."""
    root = tmp_path_factory.mktemp("darker")
    write_clean_photos(root / "photos", each=20, tests=30)
    for path in list_tests(root / "photos"):
        with Image.open(path) as photo:
            save_photo(Image.fromarray(np.asarray(photo) // 2), path)
    workspace = Workspace(root / "data", root / "submissions")
    return workspace, check_photos(root / "photos", workspace)


def test_photos_to_predict_that_are_darker_are_told(darker: tuple[Workspace, CheckResult]) -> None:
    _, result = darker
    [finding] = result.findings
    assert (finding.kind, finding.set) == ("train and test differ", "both")
    reported = {clue.name for clue in result.shift if clue.is_reported}
    assert {"all colours and sizes", "95th percentile of brightness"} <= reported
    assert not {"width", "height", "mode"} & reported
    assert "no frozen features are stored" in " ".join(result.left_out)


def test_what_is_written_is_read_again(darker: tuple[Workspace, CheckResult]) -> None:
    workspace, result = darker
    folder = workspace.competition("made")
    assert load_check(folder) == result
    assert json.loads((folder.check / "check.json").read_text("utf-8")) == result.to_json()
    doubts = load_doubts(folder)
    with (folder.check / "doubts.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(DOUBT_COLUMNS)
    assert [{name: str(value) for name, value in asdict(doubt).items()} for doubt in doubts] == rows
    with Image.open(folder.check / "contact-sheet.png") as sheet:
        assert sheet.width == 1440


def test_the_status_tells_of_the_check(darker: tuple[Workspace, CheckResult]) -> None:
    found = status("made", workspace=darker[0]).competition
    assert found is not None
    assert found.check == LastCheck(darker[1].made, darker[1].doubts, ("train and test differ",), is_current=True)
    assert found.to_json()["check"]["kinds"] == ["train and test differ"]


def test_a_check_of_other_labels_says_so(darker: tuple[Workspace, CheckResult], tmp_path: Path) -> None:
    workspace = Workspace(shutil.copytree(darker[0].data, tmp_path / "data"), tmp_path / "submissions")
    folder = workspace.competition("made")
    folder.train.write_text(folder.train.read_text("utf-8").replace(",cats,", ",dogs,", 1), "utf-8")
    loaded = load_check(folder)
    assert loaded is not None
    assert not loaded.is_current
    assert "have changed since this check" in str(loaded)


def test_nothing_is_loaded_before_the_first_check_and_damage_is_told(workspace: Workspace, clean: Path) -> None:
    adopt(clean, name="made", workspace=workspace)
    folder = workspace.competition("made")
    assert (load_check(folder), load_doubts(folder)) == (None, [])
    folder.check.mkdir()
    (folder.check / "check.json").write_text("{}")
    (folder.check / "doubts.csv").write_text("kind,set\nblank photo,train\n")
    with pytest.raises(BadData, match=r"check\.json.*run `ensembler.check\(\)` again"):
        load_check(folder)
    with pytest.raises(BadData, match=r"doubts\.csv is not a table of doubts"):
        load_doubts(folder)


def test_a_photo_that_broke_after_fetching_is_named_and_the_check_goes_on(
    clean: Path, tmp_path: Path, workspace: Workspace
) -> None:
    root = shutil.copytree(clean, tmp_path / "photos")
    adopt(root, name="made", workspace=workspace)
    list_class(root)[0].unlink()
    heard = Heard()
    result = check("made", workspace=workspace, progress=heard)
    assert [(each.kind, each.set, each.number) for each in result.findings] == [("unreadable photo", "train", 1)]
    assert "it could still be read when it was fetched: [Errno 2]" in result.findings[0].summary
    assert result.sets["train"].unreadable == 1
    assert heard.labels[:2] == ["look at photos", "look for leaks"]


def test_a_further_check_reads_only_changed_photos(clean: Path, tmp_path: Path, workspace: Workspace) -> None:
    root = shutil.copytree(clean, tmp_path / "photos")
    first = check_photos(root, workspace)
    save(Image.new("RGB", (160, 120)))(list_class(root)[0])
    list_tests(root)[0].unlink()
    heard = Heard()
    second = check("made", workspace=workspace, progress=heard)
    assert heard.totals[heard.labels.index("look at photos")] == 2
    assert [each.kind for each in second.findings] == ["unreadable photo", "blank photo"]
    save_photo(scene(1), list_tests(root)[0])
    workspace.competition("made").photo_facts.write_bytes(b"damaged")
    third = check("made", workspace=workspace)
    assert third.sets["test"].unreadable == 1
    assert first.sets["train"].formats == third.sets["train"].formats


def test_a_photo_that_clashes_with_a_wrong_label_is_kept(
    clean: Path, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(clean, tmp_path / "photos")
    (cat, *_), (dog, *_) = list_class(root), list_class(root, "dogs")
    copy_as(cat, dog, "brighter")
    wrong = [Doubt(WRONG, "train", dog.stem, "", "dogs", "relabel", "cats", 0.9, "")]
    monkeypatch.setattr(
        "ensembler.workflows.check.find_label_doubts",
        lambda *args, **options: LabelDoubts(tuple(wrong), "the stack one", 48),
    )
    check_photos(root, workspace)
    suggested = {each.id: each.suggestion for each in load_doubts(workspace.competition("made")) if each.suggestion}
    assert suggested == {dog.stem: "relabel"}
    wrong.clear()
    check("made", workspace=workspace)
    suggested = {each.id: each.suggestion for each in load_doubts(workspace.competition("made"))}
    assert suggested == {cat.stem: "exclude", dog.stem: "exclude"}


def test_a_folder_that_cannot_be_written_is_told_before_photos_are_read(clean: Path, workspace: Workspace) -> None:
    adopt(clean, name="made", workspace=workspace)
    workspace.competition("made").check.write_text("in the way")
    heard = Heard()
    with pytest.raises(FileExistsError):
        check("made", workspace=workspace, progress=heard)
    assert heard.labels == []


def test_an_edited_manifest_is_refused(clean: Path, workspace: Workspace) -> None:
    adopt(clean, name="made", workspace=workspace)
    manifest = workspace.competition("made").manifest
    manifest.write_text(manifest.read_text("utf-8").replace("leave_out = []", "") + "", "utf-8")
    text = manifest.read_text("utf-8").replace('metric = "log loss"', 'metric = "log loss"\nleave_out = ["none.jpg"]')
    manifest.write_text(text, "utf-8")
    with pytest.raises(Mismatch, match="was edited"):
        check("made", workspace=workspace)


def test_the_command_prints_a_table_or_json(
    darker: tuple[Workspace, CheckResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, result = darker
    monkeypatch.chdir(workspace.data.parent)
    printed = CliRunner().invoke(commands, ["--quiet", "check"])
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.splitlines()[1].startswith("train and test differ  both")
    assert "doubts.csv" in printed.stdout
    as_json = json.loads(CliRunner().invoke(commands, ["--quiet", "check", "--json"]).stdout)
    same = {"findings", "leaks", "shift", "samples", "sets"}
    assert {name: as_json[name] for name in same} == {name: result.to_json()[name] for name in same}


def test_stored_features_are_compared_too(tmp_path: Path, workspace: Workspace) -> None:
    """Features of a member, in which photos to predict differ, though their colours do not."""
    root = write_clean_photos(tmp_path / "photos", each=20, tests=30)
    adopt(root, name="made", workspace=workspace)
    folder = workspace.competition("made")
    tables = load_tables(folder)
    load_or_make_folds(folder, tables, FOLDS)
    record = record_of(folder, tables)
    record.save(folder)
    values = np.random.default_rng(0).normal(size=(70, 40)).astype(np.float32)
    values[40:] += 2
    path = build_feature_path(folder, record, WHOLE_VIEW)
    path.parent.mkdir(parents=True)
    np.save(path, values)
    result = check("made", workspace=workspace)
    assert [clue.name for clue in result.shift if clue.is_reported] == ["frozen features of demo-conv"]
    assert [each.kind for each in result.findings] == ["train and test differ"]
    # Features of other photos are not used.
    np.save(path, values[:-1])
    assert check("made", workspace=workspace).findings == ()


def test_an_orientation_task_has_no_labels_to_check(tmp_path: Path, workspace: Workspace) -> None:
    for seed in range(30):
        save_photo(scene(seed), tmp_path / "photos" / f"фото {seed} <b>.jpg")
    copy_as(tmp_path / "photos" / "фото 0 <b>.jpg", tmp_path / "photos" / "copy.jpg")
    adopt(tmp_path / "photos", name="made", hints=Hints(task="orientation"), workspace=workspace)
    result = check("made", workspace=workspace)
    assert [(each.kind, each.number) for each in result.findings] == [("near-duplicates", 1)]
    assert (result.balance, result.leaks) == (None, ())
    assert result.sets["train"].photos + result.sets["test"].photos == 31
    assert "learned in all rotations" in result.left_out[0]


def test_dates_in_the_archive_are_a_clue(tmp_path: Path, workspace: Workspace) -> None:
    """Files of each class are of another month, which unpacking does not keep."""
    root = write_clean_photos(tmp_path / "photos")
    archive = tmp_path / "made.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(root.rglob("*.jpg")):
            name = path.relative_to(root).as_posix()
            month = {"cats": 3, "dogs": 5}.get(path.parent.name, 4)
            opened.writestr(zipfile.ZipInfo(name, (2013, month, 1 + len(name) % 9, 12, 0, 0)), path.read_bytes())
    fetch("made", archive=archive, hints=Hints(positive="dogs"), workspace=workspace)
    result = check("made", workspace=workspace)
    assert [clue.name for clue in result.leaks if clue.is_reported] == ["file date", "all clues together"]
