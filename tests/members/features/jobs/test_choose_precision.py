"""Frozen features in 16 bits, only where they are faster and no head notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.members_made import SETTINGS, record_of, small_competition
from helpers.photos import Heard

from ensembler.errors import BadChoice
from ensembler.images.views import WHOLE_VIEW
from ensembler.inference.jobs.predictor import Predictor
from ensembler.inference.runtimes import Runtime
from ensembler.inference.speeds import RuntimeSpeed
from ensembler.members.features.files import build_feature_path, build_path_in_precision
from ensembler.members.features.jobs import choose_precision as module
from ensembler.members.features.jobs import compute
from ensembler.members.features.jobs.choose_precision import compare_losses
from ensembler.members.features.jobs.compute import compute_shard, load_or_compute_features, read_feature_precision
from ensembler.members.features.parts import FeatureParts
from ensembler.members.features.precision import load_decision, locate_decision
from ensembler.members.features.shards import FeatureShard
from ensembler.members.records import FoldPredictions, save_fold
from ensembler.members.training_job import TrainingJob
from ensembler.serialization import convert_to_plain

PHOTOS = 30
LOSSES = np.random.default_rng(0).gamma(1.0, 0.5, 400)
ERROR = LOSSES.std(ddof=1) / 20


@pytest.mark.parametrize(
    ("moved", "precision"),
    [
        (LOSSES, "bfloat16"),
        (LOSSES + 0.09 * ERROR, "bfloat16"),
        (LOSSES - 0.09 * ERROR, "bfloat16"),
        (LOSSES + 0.11 * ERROR, "float32"),
        # Better by so much is as wrong: stack.keras computes in float32.
        (LOSSES - 0.11 * ERROR, "float32"),
        (LOSSES * np.nan, "float32"),
    ],
)
def test_the_loss_may_move_by_a_tenth_of_its_standard_error(moved: Any, precision: str) -> None:
    decision = compare_losses(LOSSES, moved, 2.5)
    assert (decision.precision, decision.photos) == (precision, 400)
    assert decision.standard_error == pytest.approx(ERROR)
    assert "bfloat16 is 2.5 times as fast here, and the log loss of a head on 400 photos moves by" in decision.reason


def test_one_photo_decides_nothing() -> None:
    assert compare_losses(LOSSES[:1], LOSSES[:1], 2.0).precision == "float32"


FAST = {"keras": 0.02, "graph": 0.01, "openvino-bfloat16": 0.002}


class Machine:
    """A processor with bfloat16, whose runtimes take the given seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: Mapping[str, float]) -> None:
        machine = self
        self.made: list[str] = []

        class Faked(Predictor):
            def measure(self, *_: Any, **__: Any) -> Mapping[Runtime, RuntimeSpeed]:
                return {name: RuntimeSpeed(each) for name, each in seconds.items()}  # type: ignore[misc]

            def predict_batch(self, batch: Any, photos: int) -> Any:
                runtime: Runtime = self._choice if self._choice != "auto" else "keras"
                machine.made.append(runtime)
                self._choice = "keras"
                features = super().predict_batch(batch, photos)
                self._choice = self.runtime = runtime
                return np.asarray(features + 1e-6 * (runtime == "openvino-bfloat16"), np.float32)

        for each in (module, compute):
            monkeypatch.setattr(each, "Predictor", Faked)
        monkeypatch.setattr(module, "MIN_PHOTOS", 1)
        monkeypatch.setattr(module, "MIN_SIZE", 1)
        monkeypatch.setattr(module, "is_installed", lambda _: True)
        monkeypatch.setattr(module, "is_bfloat16_supported", lambda: True)
        monkeypatch.setattr(module, "SAMPLE_PHOTOS", 1)
        monkeypatch.setattr(module, "SAMPLE_PHOTOS_PER_CLASS", 4)


def assigned(root: Path, precision: Any = "auto") -> TrainingJob:
    folder, tables = small_competition(root)
    record = replace(record_of(folder, tables), settings=replace(SETTINGS, batch_size=4))
    record.save(folder)
    return TrainingJob(folder, "demo-conv", (0,), "none", runtime_precision=precision)


def compute_features(job: TrainingJob, heard: Heard | None = None) -> Any:
    return load_or_compute_features(job, (WHOLE_VIEW,), heard or Heard())[WHOLE_VIEW]


def test_a_faster_precision_that_no_head_notices_is_chosen_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, heard = assigned(tmp_path), Heard()
    Machine(monkeypatch, FAST)
    compute_features(job, heard)
    assert read_feature_precision(job) == "bfloat16"
    path = build_feature_path(job.folder, job.record, WHOLE_VIEW)
    assert path.is_file()
    assert path != build_path_in_precision(job.folder, job.record, WHOLE_VIEW, "float32")
    [note] = [text for text in heard.notes if "Frozen features" in text]
    assert "demo-conv are computed in bfloat16, because bfloat16 is 5.0 times as fast here, and the log loss" in note
    decision = load_decision(job.folder, job.record)
    # A later run decides nothing, whatever it would measure.
    again = Machine(monkeypatch, {**FAST, "openvino-bfloat16": 9.0})
    path.unlink()
    heard = Heard()
    compute_features(job, heard)
    assert (set(again.made), load_decision(job.folder, job.record)) == ({"openvino-bfloat16"}, decision)
    assert heard.notes == []


@pytest.mark.parametrize(
    ("seconds", "largest", "reason"),
    [
        ({**FAST, "openvino-bfloat16": 0.0095}, 0.1, "gains nothing here"),
        # No loss moves by less than nothing.
        (FAST, -1.0, "moves by"),
        ({**FAST, "openvino-bfloat16": 0.0089}, 0.1, "saves less time than a comparison"),
    ],
)
def test_float32_stays(
    seconds: dict[str, float], largest: float, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, heard = assigned(tmp_path), Heard()
    Machine(monkeypatch, seconds)
    monkeypatch.setattr(module, "MAX_SHIFT", largest)
    compute_features(job, heard)
    assert build_path_in_precision(job.folder, job.record, WHOLE_VIEW, "float32").is_file()
    assert [reason in text for text in heard.notes] == [True]
    # Complete files in float32 are decision enough.
    assert [path.suffix for path in job.folder.features.iterdir()] == [".npy"]
    Machine(monkeypatch, FAST)
    compute_features(job)
    assert read_feature_precision(job) == "float32"


def test_a_processor_without_bfloat16_is_told_that_it_gains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, heard = assigned(tmp_path), Heard()
    Machine(monkeypatch, FAST)
    monkeypatch.setattr(module, "is_bfloat16_supported", lambda: False)
    compute_features(job, heard)
    assert heard.notes == [
        "Frozen features of demo-conv are computed in float32, because bfloat16 gains nothing on this processor, which "
        "has no arithmetic for it."
    ]


def test_all_shards_have_one_precision_whatever_later_machines_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = assigned(tmp_path)
    for seconds, rows in ((FAST, range(12)), ({**FAST, "openvino-bfloat16": 9.0}, range(12, PHOTOS))):
        machine = Machine(monkeypatch, seconds)
        shard = FeatureShard(job, (WHOLE_VIEW,), rows.start, rows.stop)
        compute_shard(convert_to_plain(shard), Heard())
    assert set(machine.made) == {"openvino-bfloat16"}
    path = build_feature_path(job.folder, job.record, WHOLE_VIEW)
    assert FeatureParts(path, PHOTOS, Heard()).known.all()


def test_finished_folds_keep_their_precision_though_the_cache_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = assigned(tmp_path)
    Machine(monkeypatch, {**FAST, "openvino-bfloat16": 9.0})
    one = np.zeros((1, 3), "f4")
    made = FoldPredictions(np.array(["1"]), one, np.array(["2"]), one, np.array(["a", "b", "c"]))
    save_fold(job.folder, job.record, 0, made, [], 0.5, 1.0, "bfloat16")
    compute_features(job)
    assert read_feature_precision(job) == "bfloat16"


@pytest.mark.parametrize(("first", "second"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_a_request_never_mixes_precisions(
    first: Any, second: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = assigned(tmp_path, first)
    Machine(monkeypatch, FAST)
    compute_features(job)
    assert read_feature_precision(job) == first
    compute_features(replace(job, runtime_precision="auto"))
    with pytest.raises(BadChoice, match=f"The frozen features of demo-conv are kept in {first}, because"):
        compute_features(replace(job, runtime_precision=second))
    assert locate_decision(job.folder, job.record).exists() == (first == "bfloat16")


def test_a_request_that_the_processor_cannot_meet_is_an_error(tmp_path: Path) -> None:
    from ensembler.inference.jobs.openvino_session import is_bfloat16_supported

    if is_bfloat16_supported():
        pytest.skip("this processor computes in bfloat16")
    with pytest.raises(BadChoice, match=r"demo-conv cannot be computed in bfloat16 here .* no bfloat16 arithmetic"):
        compute_features(assigned(tmp_path, "bfloat16"))
