from __future__ import annotations

import os

import pytest

from ensembler import compilation_cache
from ensembler.compilation_cache import keep_compiled_steps, locate_compiled_steps


def test_variables_of_the_user_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"JAX_COMPILATION_CACHE_DIR": "mine"})
    keep_compiled_steps()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"
    assert int(os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"]) == compilation_cache.MAX_BYTES


def test_each_kind_of_processor_has_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    first = locate_compiled_steps()
    assert locate_compiled_steps() == first
    monkeypatch.setattr(compilation_cache, "_describe_processor", lambda: "another")
    assert locate_compiled_steps() != first
    assert locate_compiled_steps().parent == first.parent
