"""What a notebook keeps of a run, in a real kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

RUN_JOBS = """
from pathlib import Path
from ensembler.console import make_default_progress
from ensembler.engines.job import Job
from ensembler.engines.local import run_jobs

progress = make_default_progress()
task = progress.start("scan photos", 500, unit="photos")
for _ in range(500):
    task.advance()
task.finish()
jobs = [Job(name, "helpers.job_functions:chatter", {}) for name in ("b0", "b1")]
results = run_jobs(jobs, Path("."), progress, parallel=2)
progress.warn("<b> is no markup")
"""
UPDATES = ("display_data", "update_display_data")


class Client(nbclient.NotebookClient):  # type: ignore[misc]
    """Counts what the kernel sends of the display."""

    sent = 0

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        self.sent += msg["header"]["msg_type"] in UPDATES
        return super().process_message(msg, cell, cell_index)


def test_a_cell_has_one_output_whatever_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]))
    cells = [nbformat.v4.new_code_cell(source) for source in (RUN_JOBS, "progress.note('another cell')")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = Client(notebook, resources={"metadata": {"path": str(tmp_path)}}, kernel_name="python3")
    client.execute()
    [first], [second] = (cell.outputs for cell in notebook.cells)
    for output in (first, second):
        assert output.output_type == "display_data"
    text, html = (first.data[kind] for kind in ("text/plain", "text/html"))
    assert text.count("x" * 100) == 1000, "a note of each step of the jobs"
    assert "Warning: <b> is no markup" in text
    assert "Warning: &lt;b&gt; is no markup" in html
    assert "jobs" not in text, "the table is gone once all jobs have ended"
    assert second.data["text/plain"].strip() == "another cell"
    assert client.sent < 100, "most events wait for the next update"
