"""Attempts whose machine has no room: the message names the machine, and a remedy that helps there."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path
from queue import SimpleQueue

import pytest

from ensembler.engines.job import Job
from ensembler.engines.ray.attempt import Attempt
from ensembler.engines.ray.messages import Asked, Assignment, Letter, Lines, Message, Refused
from ensembler.engines.ray.versions import read_versions
from ensembler.engines.transport.server import FileServer
from ensembler.job_files import JobFiles
from ensembler.progress import SILENT

TESTS = Path(__file__).parents[2]
REMEDY = "another folder with the environment variable ENSEMBLER_NODE_FOLDER there."


class _Pieces:
    def put(self, piece: bytes) -> bytes:
        return piece

    def get(self, handle: bytes) -> bytes:
        return handle


def run_attempt(folder: Path, function: str) -> list[Message]:
    """Run a job whose files are carried, and return the messages of its attempt."""
    log = folder / "logs" / "j.log"
    files = JobFiles(writes=(str(log),))
    environment = {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    line = Job("j", f"helpers.job_functions:{function}", {}).to_line(log)
    assignment = Assignment("r", "r-j-1", line, 1, 1, environment, str(folder), read_versions(), carries_files=True)
    letters: SimpleQueue[list[Letter]] = SimpleQueue()
    messages: list[Message] = []
    with FileServer(_Pieces(), SILENT) as server:
        server.open("r-j-1", lambda: files)
        for message in Attempt(assignment, "", lambda _: letters.get()).iterate_messages():
            messages.append(message)
            if isinstance(message, Asked):
                letters.put([Letter(server.answer(message.request), message.number)])
    letters.put([])
    return messages


@pytest.mark.parametrize("full", [True, False])
def test_a_node_folder_that_cannot_be_written_is_told_with_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, full: bool
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ENSEMBLER_NODE_FOLDER", str(tmp_path / ("node" if full else "file/node")))

    def refuse(**_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    if full:
        monkeypatch.setattr("ensembler.engines.transport.node_folder.tempfile.mkdtemp", refuse)
    [refused] = [each for each in run_attempt(tmp_path, "double") if not isinstance(each, Asked)]
    assert isinstance(refused, Refused)
    assert refused.kind == "StorageError"
    assert refused.text.startswith(f"On the machine {socket.gethostname()}: Cannot write or read ")
    assert refused.text.endswith(REMEDY)


def test_a_job_without_space_is_told_with_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENSEMBLER_NODE_FOLDER", str(tmp_path / "node"))
    lines = [line for each in run_attempt(tmp_path, "fill") if isinstance(each, Lines) for line in each.lines]
    end = json.loads(lines[-1])
    assert end["error"] == "StorageError"
    assert end["text"].startswith(f"On the machine {socket.gethostname()}: Cannot write or read some/file: No space")
    assert end["text"].endswith(REMEDY)
