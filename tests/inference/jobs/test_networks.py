from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import Heard

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.inference.jobs.networks import predict
from ensembler.progress import SILENT


def test_a_smaller_last_batch_is_predicted_as_a_full_one() -> None:
    model = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    photos = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3)).astype(np.uint8)
    batches = [photos[:3], photos[3:6], photos[6:]]
    heard = Heard()
    given = predict(model, batches, 7, 3, heard.start("", 7))
    assert given == pytest.approx(model.predict(photos, verbose=0), abs=1e-5)
    assert heard.steps == 7


def test_prediction_leaves_a_compiled_network_as_it_is() -> None:
    model = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    model.compile(loss="mse", optimizer="sgd", jit_compile=False)
    predict(model, iter([np.zeros((2, 8, 8, 3), np.uint8)]), 2, 2, SILENT.start("", 0))
    assert model.loss == "mse"
