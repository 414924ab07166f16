"""The example notebook runs as it stands, on photos of noise and networks of random weights."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from helpers.kaggle_server import archive
from helpers.photos import photo_bytes
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "examples" / "handle.ipynb"


def read_notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_is_kept_without_outputs() -> None:
    nbformat.validate(read_notebook())
    assert not any(cell.get("outputs") for cell in read_notebook().cells)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = {f"train/{name}.{n}.jpg": photo_bytes(n, ".jpg") for n, name in enumerate(("cat", "dog") * 20)}
    test = {f"test/{n}.jpg": photo_bytes(100 + n, ".jpg") for n in range(1, 4)}
    sample = "id,label\n" + "".join(f"{n},0.5\n" for n in range(1, 4))
    parts = {"train.zip": archive(train), "test.zip": archive(test), "sample_submission.csv": sample.encode()}
    (tmp_path / "redux.zip").write_bytes(archive(parts))
    notebook = read_notebook()
    for cell in notebook.cells:
        cell.source = cell.source.replace('weights="weights"', 'weights="none", image_size=32')
        backbones = '["mobilenet-0.5", "mobilenetv2-0.35", "mobilenetv2"]'
        cell.source = cell.source.replace(backbones, '["demo-conv", "demo-dense"]')
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    results = [out for cell in notebook.cells for out in cell.get("outputs", ()) if out.output_type == "execute_result"]
    assert sum("<table>" in out.data.get("text/html", "") for out in results) == 6
    assert list((tmp_path / "submissions").glob("*/*.csv"))
