"""The backend of Keras that jobs use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ensembler.errors import BadChoice
from ensembler.keras_backend import find_backend


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


def having(*packages: str):
    return lambda name: object() if name in packages else None


@pytest.mark.parametrize(
    ("variable", "file", "installed", "backend"),
    [
        ("", "", ("tensorflow", "jax"), "tensorflow"),
        ("", "", ("jax",), "jax"),
        ("jax", "", ("tensorflow", "jax"), "jax"),
        ("", '{"backend": "jax"}', ("tensorflow", "jax"), "jax"),
        ("tensorflow", '{"backend": "jax"}', ("tensorflow", "jax"), "tensorflow"),
        ("", "damaged", ("tensorflow",), "tensorflow"),
        ("", "[]", ("tensorflow",), "tensorflow"),
    ],
)
def test_choice(variable, file, installed, backend, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KERAS_BACKEND", variable)
    if file:
        (tmp_path / "keras.json").write_text(file)
    assert find_backend(having(*installed)) == backend


@pytest.mark.parametrize(
    ("variable", "installed", "message"),
    [
        ("", (), "Neither TensorFlow nor JAX is installed: run pip install 'ensembler[tensorflow]' or pip install"),
        ("torch", ("torch", "jax"), "The variable KERAS_BACKEND chooses the Keras backend 'torch': choose tensorflow"),
        ("jax", ("tensorflow",), "chooses the Keras backend jax, which is not installed: run pip install 'ensembler"),
    ],
)
def test_refusal(variable, installed, message, monkeypatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", variable)
    with pytest.raises(BadChoice, match=re.escape(message)):
        find_backend(having(*installed))
