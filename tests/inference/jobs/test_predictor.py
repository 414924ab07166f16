"""What runs a network: Keras, unless something else was measured to be faster and gives the same answers."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.photos import Heard

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.jobs.views import add_view
from ensembler.backbones.registry import find_backbone
from ensembler.errors import BadChoice
from ensembler.images.views import MIRRORED_VIEW
from ensembler.inference.jobs import predictor as module
from ensembler.inference.jobs.predictor import Predictor
from ensembler.inference.jobs.speed import describe_device
from ensembler.inference.runtimes import Runtime, RuntimeChoice
from ensembler.inference.speeds import RuntimeSpeed, read_speed, remember_speed

SIZE, BATCH = 32, 4
MANY = 10_000
PIXELS = np.random.default_rng(0).integers(0, 256, (BATCH, SIZE, SIZE, 3)).astype(np.uint8)


@dataclass
class Converted:
    """Keras's answers with a mark, under another runtime's name."""

    model: Any
    factor: float

    def predict(self, pixels: Any) -> Any:
        return np.asarray(self.model(pixels.astype(np.float32), training=False)) * self.factor


@dataclass
class Machine:
    """A machine on which runtimes take what is written here, and give answers that differ by so much."""

    seconds: dict[str, float]
    differ: dict[str, float] = field(default_factory=dict)
    turned: list[Runtime] = field(default_factory=list)
    measured: list[list[Runtime]] = field(default_factory=list)

    def convert(self, model: Any, runtime: Runtime, threads: int) -> Converted:
        assert threads >= 1
        self.turned.append(runtime)
        if runtime not in self.seconds:
            raise ValueError("no such layer\nand more")
        return Converted(model, 1 + self.differ.get(runtime, 1e-5))

    def time_in_rounds(self, works: dict[Runtime, Callable[[], Any]], *, min_rounds: int = 3) -> dict[Runtime, float]:
        assert min_rounds >= 2
        self.measured.append(list(works))
        return {name: BATCH * self.seconds[name] for name in works}


@pytest.fixture(scope="module")
def model() -> Any:
    return build_backbone(find_backbone("demo-conv"), SIZE, "none", 0)


@pytest.fixture
def heard() -> Heard:
    return Heard()


Start = Callable[[Machine, RuntimeChoice], Predictor]


@pytest.fixture
def start(model: Any, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "is_installed", lambda _: True)
    # Whatever is installed where this is tested.
    monkeypatch.setattr(module, "list_versions", lambda: ["1"])

    def starts(machine: Machine, choice: RuntimeChoice) -> Predictor:
        monkeypatch.setattr(module, "convert", machine.convert)
        monkeypatch.setattr(module, "time_in_rounds", machine.time_in_rounds)
        return Predictor(model, BATCH, "b0", choice, heard)

    return starts


def on(predictor: Predictor, photos: int = MANY) -> str:
    """Return what ran the network, by the mark in its answers."""
    given, expected = predictor.predict_batch(PIXELS, photos), predictor._model.predict_on_batch(PIXELS)
    return "another" if np.abs(given - expected).max() > 5e-6 * expected.max() else "keras"


def test_the_fastest_runs_and_is_remembered(start: Start, heard: Heard) -> None:
    machine = Machine({"keras": 0.02, "graph": 0.015, "onnx": 0.01, "openvino": 0.04})
    assert on(start(machine, "auto")) == "another"
    assert machine.turned == ["graph", "onnx", "openvino"]
    assert machine.measured == [["keras"], *(["keras", name] for name in ("graph", "onnx", "openvino"))]
    assert heard.notes == [
        "b0 predicts on onnx here (keras 50 photos a second, graph 67 photos a second, onnx 100 photos a second, "
        "openvino 25 photos a second)."
    ]
    # Other load on the machine changes nothing any more.
    again = Machine({"keras": 0.001, "graph": 0.0015, "onnx": 0.1, "openvino": 0.04})
    predictor = start(again, "auto")
    assert on(predictor) == "another"
    assert (again.turned, again.measured, predictor.runtime) == (["onnx"], [], "onnx")
    assert len(heard.notes) == 1


@pytest.mark.parametrize(
    ("seconds", "photos"),
    [
        ({"keras": 0.02, "graph": 0.03, "onnx": 0.03}, MANY),
        # Nothing else can run it.
        ({"keras": 0.02}, MANY),
        # Not worth a measurement.
        ({"keras": 0.02, "graph": 0.001, "onnx": 0.001}, 499),
        ({"keras": 0.001, "graph": 0.0001, "onnx": 0.0001}, MANY),
    ],
)
def test_keras_stays(seconds: dict[str, float], photos: int, start: Start) -> None:
    assert on(start(Machine(seconds), "auto"), photos) == "keras"


@pytest.mark.parametrize("differ", [1e-3, float("nan")])
def test_other_answers_count_as_none(differ: float, start: Start, heard: Heard) -> None:
    machine = Machine({"keras": 0.02, "graph": 0.001, "onnx": 0.01}, {"graph": differ})
    assert on(start(machine, "auto")) == "another"
    assert "predicts on onnx here" in heard.notes[0]
    assert "the outputs of graph differ by" in heard.notes[0]


def test_a_network_whose_layers_cannot_be_turned_is_tried_once(start: Start, heard: Heard) -> None:
    assert on(start(Machine({"keras": 0.02}), "auto")) == "keras"
    assert "onnx cannot run it (ValueError: no such layer)" in heard.notes[0]
    again = Machine({"keras": 0.02})
    assert on(start(again, "auto")) == "keras"
    assert again.turned == []


def test_remembered_speeds_do_not_stand_for_the_same_answers(start: Start, heard: Heard) -> None:
    predictor = start(Machine({"keras": 0.02, "graph": 0.01}, {"graph": 1e-3}), "auto")
    runtimes: dict[Runtime, RuntimeSpeed] = {
        "keras": RuntimeSpeed(0.02),
        "graph": RuntimeSpeed(0.01),
        "onnx": RuntimeSpeed(0.0, 0.0, "no"),
        "openvino": RuntimeSpeed(0.0, 0.0, "no"),
    }
    remember_speed(predictor._locate_speed(), replace(describe_device(BATCH), runtimes=runtimes))
    assert on(predictor) == "keras"
    assert heard.notes == ["b0 predicts on Keras: the outputs of graph differ by 0.001."]


def test_only_the_fastest_converted_network_is_kept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once took more than two gigabytes."""
    machine, made, alive = Machine({"keras": 0.02, "graph": 0.01, "onnx": 0.015, "openvino": 0.03}), [], []
    predictor = start(machine, "auto")

    def convert(*arguments: Any) -> Converted:
        alive.append(sum(one() is not None for one in made))
        made.append(weakref.ref(converted := machine.convert(*arguments)))
        return converted

    monkeypatch.setattr(module, "convert", convert)
    assert on(predictor) == "another"
    assert (predictor.runtime, alive) == ("graph", [0, 1, 1])
    assert [one() is not None for one in made] == [True, False, False]


def test_runtimes_that_were_timed_under_other_loads_are_compared_at_one_load(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, loads = Machine({"keras": 0.02, "graph": 0.012, "onnx": 0.01, "openvino": 0.03}), iter((9, 1, 3, 2))
    predictor = start(machine, "auto")

    def time_under_load(works: dict[Runtime, Callable[[], Any]], **options: int) -> dict[Runtime, float]:
        load = next(loads)
        return {name: load * each for name, each in machine.time_in_rounds(works, **options).items()}

    monkeypatch.setattr(module, "time_in_rounds", time_under_load)
    timings = predictor.measure(PIXELS, MANY)
    assert {name: each.seconds for name, each in timings.items()} == pytest.approx(machine.seconds)


def test_more_photos_may_change_what_pays(start: Start) -> None:
    machine = Machine({"keras": 0.02, "graph": 0.01, "onnx": 0.01})
    predictor = start(machine, "auto")
    assert on(predictor, 600) == "keras"
    known = read_speed(predictor._locate_speed())
    assert known is not None
    assert set(known.runtimes) == {"keras"}
    assert on(predictor, 600) == "keras"
    assert machine.measured == [["keras"]]
    assert on(predictor, MANY) == "another"


def test_views_share_the_measurement_of_their_backbone(start: Start, model: Any, heard: Heard) -> None:
    """Otherwise a noisy machine gives each view its own runtime, and tells opposite answers within a minute."""
    speeds = {"keras": 0.02, "graph": 0.01, "onnx": 0.03, "openvino": 0.03}
    assert on(start(Machine(speeds), "auto")) == "another"
    start(other := Machine({"keras": 0.01, "graph": 0.02}), "auto")
    mirrored = Predictor(add_view(model, MIRRORED_VIEW), BATCH, "b0", "auto", heard, speed_of=model)
    mirrored.predict_batch(PIXELS, MANY)
    assert (mirrored.runtime, other.measured, other.turned, len(heard.notes)) == ("graph", [], ["graph"], 1)


def test_jobs_that_begin_together_measure_once(start: Start, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = {"keras": 0.02, "graph": 0.01, "onnx": 0.03, "openvino": 0.03}
    machine = Machine(speeds)
    first, second = start(machine, "auto"), start(machine, "auto")
    locked = module.wait_for_lock

    def another_job_measures_first(*arguments: Any) -> Any:
        monkeypatch.setattr(module, "wait_for_lock", locked)
        assert on(first) == "another"
        return locked(*arguments)

    monkeypatch.setattr(module, "wait_for_lock", another_job_measures_first)
    assert on(second) == "another"
    assert machine.measured[1:] == [["keras", name] for name in ("graph", "onnx", "openvino")]
    assert len(heard.notes) == 1


@pytest.mark.parametrize("narrow", [{"openvino-bfloat16": 0.005}, {}], ids=["possible", "impossible"])
def test_sixteen_bits_are_measured_where_they_are_asked_for(narrow: dict[str, float], start: Start) -> None:
    machine = Machine(
        {"keras": 0.02, "graph": 0.01, "onnx": 0.03, "openvino": 0.03, **narrow}, {"openvino-bfloat16": 0.01}
    )
    timings = start(machine, "auto").measure(PIXELS, MANY, sixteen_bit=True)
    assert list(timings) == ["keras", "graph", "onnx", "openvino", "openvino-bfloat16"]
    assert timings["openvino-bfloat16"].seconds == narrow.get("openvino-bfloat16", 0)
    assert bool(timings["openvino-bfloat16"].trouble) == (not narrow)
    # Who did not ask for them does not get them, and no other job measures again.
    again = Machine({})
    assert set(start(again, "auto").measure(PIXELS, MANY)) == set(timings)
    predictor = start(machine, "auto")
    predictor.predict_batch(PIXELS, MANY)
    assert (predictor.runtime, again.measured) == ("graph", [])


def test_sixteen_bits_that_were_decided_are_never_replaced_without_a_word(start: Start) -> None:
    predictor = start(Machine({"openvino-bfloat16": 0.01}, {"openvino-bfloat16": 0.01}), "openvino-bfloat16")
    predictor.predict_batch(PIXELS, 8)
    assert predictor.runtime == "openvino-bfloat16"
    for machine in (Machine({}), Machine({"openvino-bfloat16": 0.01}, {"openvino-bfloat16": 0.3})):
        with pytest.raises(BadChoice, match="b0 cannot be computed in bfloat16 here"):
            start(machine, "openvino-bfloat16").predict_batch(PIXELS, 8)


@pytest.mark.parametrize(
    ("choice", "differ", "ran", "warned"),
    [
        ("keras", 0.0, "keras", []),
        ("graph", 1e-5, "another", []),
        ("graph", 1e-3, "keras", ["b0 predicts on Keras although runtime is graph: the outputs of graph differ by"]),
    ],
)
def test_a_person_may_choose(
    choice: RuntimeChoice, differ: float, ran: str, warned: list[str], start: Start, heard: Heard
) -> None:
    machine = Machine({"keras": 0.02, "graph": 0.03}, {"graph": differ})
    assert on(start(machine, choice), 8) == ran
    assert machine.measured == []
    assert [text[: len(each)] for text, each in zip(heard.warnings, warned, strict=True)] == warned


def test_a_gpu_is_left_alone(start: Start, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_obstacle", lambda: "there is a GPU")
    machine = Machine({"keras": 0.02, "graph": 0.01, "onnx": 0.01})
    assert on(start(machine, "auto")) == "keras"
    assert on(start(machine, "onnx")) == "keras"
    assert machine.turned == []
    assert heard.warnings == ["b0 predicts on Keras although runtime is onnx: there is a GPU."]


@pytest.mark.parametrize("choice", ["keras", "graph"])
def test_a_smaller_last_batch_is_answered_as_a_full_one(model: Any, choice: RuntimeChoice) -> None:
    predictor = Predictor(model, BATCH, "b0", choice, Heard())
    given = predictor.predict_batch(PIXELS[:3], 3)
    assert given == pytest.approx(predictor.predict_batch(PIXELS, 3)[:3], abs=1e-7)


def test_networks_that_differ_in_weights_or_numbered_names_alone_share_what_was_measured(heard: Heard) -> None:
    def key(size: int, seed: int) -> Path:
        return Predictor(
            build_backbone(find_backbone("demo-conv"), size, "none", seed), BATCH, "", "auto", heard
        )._locate_speed()

    assert key(32, 0) == key(32, 1)
    assert key(32, 0) != key(40, 0)
