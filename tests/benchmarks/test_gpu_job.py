"""The pure parts of ``benchmarks/gpu_job.py``: its options, photos, events, table and division into calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu_job import AUGMENTATIONS, SMALL_OPTIONS, SOURCES, read_options
from gpu_job_events import (
    Epoch,
    compare_with_resident,
    compute_idle_share,
    find_settings,
    list_epochs,
    list_job_members,
    read_lines,
    sum_compile_seconds,
    summarize,
)
from gpu_job_photos import Crop, draw_box, format_groups, plan_crops, write_part
from gpu_job_table import format_report
from helpers.photos import write_photo
from local_packages import is_missing, make_environment
from PIL import Image
from timed_work import Clock, OutOfTime, run_in_time

WORDS = ["cats.zip", "--work", "w"]
LOG = """\
WARNING Finished tracing train_step for jit in 0.5 sec
WARNING Finished jaxpr to MLIR module conversion jit(train_step) in 0.250000000 sec
WARNING Finished XLA compilation of jit(train_step) in 12.5 sec
"""


def began(run: str, second: int, member: str = "b0@none-files") -> dict[str, Any]:
    time = f"2026-11-30T20:00:{second:02}.000Z"
    return {"time": time, "run": run, "event": "epoch_began", "member": member, "fold": 0}


def ended(run: str, seconds: float, member: str = "b0@none-files", photos: int = 100) -> dict[str, Any]:
    figures = {"seconds": seconds, "photos_a_second": photos / seconds, "gpu_memory": 10**9}
    return {"time": "", "run": run, "event": "epoch_ended", "member": member, "fold": 0, **figures}


# A run with two epochs, and another that continues the third one after an interruption.
EVENTS = [
    {"run": "one", "event": "member_planned", "member": "b0@none-files", "settings": {"batch_size": 8}},
    {"run": "one", "event": "jobs_planned", "jobs": [{"job": "job-1", "member": "b0@none-files"}]},
    {"run": "one", "event": "job_began", "job": "job-1"},
    {"run": "one", "event": "job_began", "job": "features"},
    began("one", 0),
    ended("one", 20.0),
    began("one", 30),
    ended("one", 4.0),
    began("one", 40),
    began("two", 50),
    ended("two", 9.0),
    began("two", 59),
    ended("two", 6.0),
]


def test_by_default_four_networks_train_on_twenty_thousand_photos() -> None:
    arguments, options = read_options([*WORDS, "--batch-size", "64"])
    assert arguments.members == "b0,mobilenetv2,convnextt,v2s"
    assert (arguments.photos, arguments.precision, options) == (20_000, "bfloat16", ["--batch-size", "64"])
    assert arguments.augmentations.split(",") == list(AUGMENTATIONS)
    assert arguments.sources.split(",") == list(SOURCES)


def test_the_small_job_can_be_changed() -> None:
    arguments, options = read_options([*WORDS, "--small", "--photos", "50"])
    assert (arguments.photos, arguments.epochs, arguments.precision) == (50, 2, "float32")
    assert options == SMALL_OPTIONS


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--epochs", "1"], "--epochs must be 2 or more"),
        (["--minutes", "1"], "--minutes must be 2 or more"),
        (["--augmentations", "none,storng"], "--augmentations: storng is not one of"),
        (["--sources", "disk"], "--sources: disk is not one of"),
    ],
)
def test_impossible_options_are_refused(words: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_options([*WORDS, *words])
    assert error in capsys.readouterr().err


def test_the_first_epoch_of_each_process_compiles() -> None:
    epochs = list_epochs(EVENTS)
    assert [(epoch.seconds, epoch.compiles) for epoch in epochs] == [(20, True), (4, False), (9, True), (6, False)]
    assert epochs[1].began - epochs[0].began == 30
    assert {epoch.photos for epoch in epochs} == {100}


def test_a_training_is_summarized_by_the_epochs_that_did_not_compile() -> None:
    # The second epoch lasts from second 30 to 34. The other samples are outside of epochs, or in one that compiles.
    start = list_epochs(EVENTS)[0].began
    samples = [{"time": start + at, "busy": busy} for at, busy in [(10, 0), (31, 90), (33, 70), (36, 0), (52, 0)]]
    compiled = [{"member": "b0@none-files", "seconds": 12.0}, {"member": "b0@none-files", "seconds": 1.0}]
    found = summarize("b0@none-files", EVENTS, samples, compiled)
    assert found is not None
    assert (found["epochs"], found["photos"], found["epoch_seconds"], found["photos_a_second"]) == (2, 100, 5, 20)
    assert (found["first_epoch_seconds"], found["compile_seconds"]) == (20, 12)
    assert found["gpu_idle"] == pytest.approx(0.2)
    assert found["gpu_memory"] == 10**9


def test_without_a_log_the_first_epoch_tells_what_compiling_took() -> None:
    found = summarize("b0@none-files", EVENTS, [], [{"member": "b0@none-files", "seconds": None}])
    assert found is not None
    assert (found["compile_seconds"], found["compile_source"]) == (15, "first epoch less the others")
    assert found["gpu_idle"] is None


def test_a_training_of_one_epoch_has_no_speed() -> None:
    assert summarize("b0@none-files", EVENTS[:6], [], []) is None


def test_jobs_and_settings_are_found_by_member() -> None:
    assert list_job_members(EVENTS, "one") == {"job-1": "b0@none-files", "features": ""}
    assert list_job_members(EVENTS, "two") == {}
    assert find_settings(EVENTS, "b0@none-files") == {"batch_size": 8}
    assert find_settings(EVENTS, "b1") is None


@pytest.mark.parametrize(("log", "seconds"), [(LOG, 12.75), (LOG * 2, 25.5), ("", None)])
def test_compilation_is_read_without_tracing(log: str, seconds: float | None) -> None:
    assert sum_compile_seconds(log) == seconds


def test_an_event_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"run": "one"}\n{"run": "tw')
    assert read_lines(path) == [{"run": "one"}]
    assert read_lines(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("idle", "resident", "expected"),
    [
        (None, {"photos_a_second": 40.0}, {"share": 0.5, "idle": 0.5, "idle_source": "1 - share"}),
        (0.1, {"photos_a_second": 40.0}, {"share": 0.5, "idle": 0.1, "idle_source": "nvidia-smi"}),
        (None, {"photos_a_second": 16.0}, {"share": 1.25, "idle": 0.0, "idle_source": "1 - share"}),
        (None, None, {"share": None, "idle": None, "idle_source": "1 - share"}),
    ],
)
def test_the_idle_share_says_where_it_is_from(idle: float | None, resident: Any, expected: dict[str, Any]) -> None:
    assert compare_with_resident({"photos_a_second": 20.0, "gpu_idle": idle}, resident) == expected


def test_no_sample_within_an_epoch_is_no_idle_share() -> None:
    epoch = Epoch("b0", 10.0, 2.0, 5, compiles=False)
    assert compute_idle_share([epoch], [{"time": 9.0, "busy": 100.0}]) is None


def test_photos_are_copied_whole_first_and_then_cropped(tmp_path: Path) -> None:
    labelled = [(label, tmp_path / f"{label}.jpg") for label in ("cat", "dog")]
    for number, (_, path) in enumerate(labelled):
        write_photo(path, number, size=(40, 30))
    crops = plan_crops(labelled, 5)
    assert [crop.number for crop in crops] == [None, None, 2, 3, 4]
    write_part(tmp_path / "made", crops)
    written = {crop.name: (tmp_path / "made" / crop.name).read_bytes() for crop in crops}
    assert written[crops[0].name] == crops[0].source.read_bytes()
    with Image.open(tmp_path / "made" / crops[4].name) as cropped:
        assert 28 <= cropped.width <= 40
        assert cropped.width / cropped.height == pytest.approx(4 / 3, abs=0.1)
    assert len(set(written.values())) == 5
    # Another call writes the same bytes, and only those that are missing.
    (tmp_path / "made" / crops[3].name).unlink()
    (tmp_path / "made" / crops[4].name).write_bytes(b"kept")
    write_part(tmp_path / "made", crops)
    assert (tmp_path / "made" / crops[3].name).read_bytes() == written[crops[3].name]
    assert (tmp_path / "made" / crops[4].name).read_bytes() == b"kept"


def test_crops_of_a_photo_are_one_scene() -> None:
    crops = [Crop(Path(name), f"cat/{number}.jpg", number) for number, name in enumerate("aba")]
    assert format_groups([*crops, Crop(Path("t"), "test/0.jpg", None)]) == (
        "photo,scene\ncat/0.jpg,0\ncat/1.jpg,1\ncat/2.jpg,0\n"
    )


def test_crops_lie_within_the_photo() -> None:
    random = np.random.default_rng(0)
    boxes = [draw_box((50, 9), random) for _ in range(200)]
    assert all(0 <= left < right <= 50 and 0 <= upper < lower <= 9 for left, upper, right, lower in boxes)
    assert len(set(boxes)) > 50


FACTS = {"device": "NVIDIA H100", "backend": "jax", "versions": "keras 3.15.1"}
TRAINING = {
    "kind": "training",
    "member": "b0",
    "augmentation": "crops",
    "source": "store",
    "weights": "none",
    "epoch_seconds": 5.0,
    "photos_a_second": 3200.0,
    "first_epoch_seconds": 60.0,
    "compile_seconds": 50.0,
    "compile_source": "JAX's log",
    "gpu_idle": 0.07,
}
RESIDENT = {
    "kind": "resident",
    "member": "b0",
    "photos_a_second": 3300.0,
    "batch_size": 128,
    "image_size": 224,
    "precision": "bfloat16",
}
STACK = {
    "kind": "stack",
    "augmentation": "crops",
    "source": "store",
    "metric": "log loss",
    "score": 0.05,
    "error": 0.01,
    "members": {"b0": 0.06},
    "checked": {"difference": 1e-6, "photos": 800},
}


def test_the_report_compares_each_training_with_the_network_on_the_cards_memory() -> None:
    report = format_report(FACTS, [TRAINING, RESIDENT, STACK])
    assert "| b0 | crops | store | 5 | 3,200 | 3,300 | **0.97** | 7 % | 60 | 50 |" in report
    assert "b0: 128 photos per step, 224 pixels, bfloat16." in report
    assert "by nvidia-smi" in report
    assert "Random weights, because no others were there: b0." in report
    assert "Stack (crops, store): log loss 0.0500 ± 0.0100 (members: b0 0.0600)" in report
    assert "differs from the CSV by at most 1.0e-06 over 800 photos" in report


def test_the_report_tells_what_is_missing() -> None:
    report = format_report(FACTS, [TRAINING, {**TRAINING, "source": "files", "failed": "no epoch"}])
    assert "| b0 | crops | store | 5 | 3,200 |  |  | 7 % | 60 | 50 |" in report
    assert "| b0 | crops | files | no epoch |" in report


def test_a_command_is_interrupted_when_the_time_is_up(tmp_path: Path) -> None:
    script = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: open('saved', 'w').close()"
    command = [sys.executable, "-c", f"import os; os.chdir({str(tmp_path)!r})\n{script}"]
    with pytest.raises(OutOfTime):
        run_in_time(command, tmp_path / "log", Clock(1.5 / 60), {})
    assert (tmp_path / "saved").is_file()


def test_a_command_that_fails_is_reported_with_its_log(tmp_path: Path) -> None:
    script = "import sys; sys.exit('the photos are gone')"
    with pytest.raises(SystemExit, match=r"(?s)code 1, see .*the photos are gone"):
        run_in_time([sys.executable, "-c", script], tmp_path / "log", Clock(0), {})


def test_time_that_is_up_is_told() -> None:
    Clock(0).require(10**6)
    Clock(1).require(50)
    with pytest.raises(OutOfTime):
        Clock(1).require(70)


def test_only_missing_packages_are_installed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "there-1.0.dist-info").mkdir(parents=True)
    wheels = ["numpy-2.0-cp311.whl", "there-1.0-py3-none-any.whl", "away-1.0-py3-none-any.whl"]
    assert [is_missing(Path(name), site) for name in wheels] == [False, False, True]


def test_processes_find_the_checkout_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "own")
    assert make_environment(Path("checkout"), tmp_path, None)["PYTHONPATH"] == "checkout:own"
