from __future__ import annotations

import sys
from typing import Any

import pytest

from ensembler.engines.job import Needs
from ensembler.errors import BadChoice
from ensembler.progress import SILENT
from ensembler.workflows.engine import open_engine


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ray_address": "a:1"}, "need engine='ray'"),
        ({"shared_folder": False}, "need engine='ray'"),
        ({"engine": "ray", "ray_address": "nowhere"}, "must be HOST:PORT"),
        ({"engine": "ray", "ray_address": "ray://head:10001"}, "must be HOST:PORT"),
        ({"engine": "ray", "ray_address": "127.0.0.1:9"}, "Nothing answers at ray_address"),
    ],
)
def test_what_cannot_be_opened_is_refused_at_once(options: Any, words: str) -> None:
    if options.get("engine") == "ray":
        pytest.importorskip("ray")
    with pytest.raises(BadChoice, match=words), open_engine(options, SILENT):
        pass


@pytest.mark.parametrize(
    ("address", "words"),
    [("auto", "^RAY_ADDRESS must be HOST:PORT"), ("127.0.0.1:9", "^Nothing answers at RAY_ADDRESS 127")],
)
def test_an_address_of_the_environment_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(BadChoice, match=words), open_engine({"engine": "ray"}, SILENT):
        pass
    with open_engine({}, SILENT):
        pass


def test_who_has_no_ray_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.workflows.engine.find_spec", lambda name: None)
    with pytest.raises(BadChoice, match=r"pip install 'ensembler\[ray\]'"):
        open_engine({"engine": "ray"}, SILENT)


def test_ray_is_loaded_only_for_its_engine() -> None:
    before = set(sys.modules)
    with open_engine({"job_processors": 1}, SILENT) as engine:
        assert engine.count_slots(Needs()) >= 1
    assert "ray" not in set(sys.modules) - before
