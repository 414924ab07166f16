from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.kaggle_code_server import KaggleCodeServer
from helpers.kaggle_server import KEY, USER, Answer, Request, refusal, said
from helpers.photos import Heard

from ensembler.errors import KaggleError
from ensembler.submission.kaggle.polling import PollingPolicy
from ensembler.submission.kaggle.retry_policy import RetryPolicy
from ensembler.submission.kaggle.submissions import Kaggle
from ensembler.submission.notebook.bundle import Bundle
from ensembler.submission.notebook.dataset import PrivateDataset
from ensembler.submission.notebook.folder import NotebookFolder

REFERENCE = f"{USER}/ensembler-pets-b0"
QUICK = PollingPolicy(timeout=2, first_pause=0.01, max_pause=0.02, settling_seconds=0.2)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleCodeServer]:
    # Where the client keeps notes of uploads that it may resume.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with KaggleCodeServer({"pets": b""}) as server, server.in_process(tmp_path / "home"):
        yield server


def write(root: Path, content: str) -> NotebookFolder:
    folder = NotebookFolder(root, USER, "ensembler-pets-b0")
    folder.dataset.mkdir(parents=True, exist_ok=True)
    for path in folder.dataset.iterdir():
        path.unlink()
    for name in ("stack.keras", "competition.toml", "ensembler-0.1.0-py3-none-any.whl"):
        (folder.dataset / name).write_text(f"{name} {content}")
    Bundle("pets", "b0", ("dog",), {"cat": 1, "dog": 1}, {"stack.keras": content}).save(folder.dataset)
    description = {"title": "ensembler pets b0", "id": REFERENCE, "licenses": [{"name": "other"}]}
    (folder.dataset / "dataset-metadata.json").write_text(json.dumps(description))
    return folder


def files_of(folder: NotebookFolder) -> dict[str, bytes]:
    paths = [path for path in folder.dataset.iterdir() if path.name != "dataset-metadata.json"]
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture
def folder(tmp_path: Path) -> NotebookFolder:
    return write(tmp_path / "out", "one")


@pytest.fixture
def dataset(server: KaggleCodeServer, folder: NotebookFolder) -> PrivateDataset:
    kaggle = Kaggle.connect(
        RetryPolicy(connect_timeout=2, read_timeout=2, max_attempts=3, first_pause=0.01, max_pause=0.02)
    )
    return PrivateDataset(kaggle, folder, Heard(), QUICK)


def test_a_new_dataset_is_private_whole_and_waited_for(server: KaggleCodeServer, dataset: PrivateDataset) -> None:
    dataset.upload()
    made = server.datasets[REFERENCE]
    assert made.looks == 0
    assert made.versions == [files_of(dataset.folder)]
    assert made.description["isPrivate"] is True
    assert (made.description["title"], made.description["licenseName"]) == ("ensembler pets b0", "other")


def test_the_same_files_are_not_sent_twice(server: KaggleCodeServer, dataset: PrivateDataset) -> None:
    dataset.upload()
    sent = len(server.asked("PUT"))
    dataset.upload()
    assert len(server.asked("PUT")) == sent
    assert any("Kaggle already has the files of" in note for note in dataset.progress.notes)


def test_other_files_become_a_new_version(server: KaggleCodeServer, dataset: PrivateDataset, tmp_path: Path) -> None:
    dataset.upload()
    write(tmp_path / "out", "two")
    dataset.upload()
    assert [version["stack.keras"] for version in server.datasets[REFERENCE].versions] == [
        b"stack.keras one",
        b"stack.keras two",
    ]
    assert server.datasets[REFERENCE].looks == 0


def test_a_dataset_that_is_being_made_is_waited_for_before_anything_is_sent(
    server: KaggleCodeServer, dataset: PrivateDataset
) -> None:
    server.processing = 1000
    with pytest.raises(KaggleError, match=r"has not finished the dataset tester/ensembler-pets-b0.*blobs_received"):
        dataclasses.replace(dataset, polling=dataclasses.replace(QUICK, timeout=0.1)).upload()
    server.datasets[REFERENCE].looks = 3
    sent = len(server.asked("PUT"))
    dataset.upload()
    assert len(server.asked("PUT")) == sent
    assert len(server.datasets[REFERENCE].versions) == 1


@pytest.mark.parametrize("trouble", [None, Answer(503, "")])
def test_a_lost_reply_makes_no_second_dataset(
    trouble: Answer | None, server: KaggleCodeServer, dataset: PrivateDataset
) -> None:
    def does_it_and_fails(request: Request) -> Answer | None:
        server.answer(request)
        return trouble

    server.fail("CreateDataset", does_it_and_fails, times=1)
    dataset.upload()
    assert [len(made.versions) for made in server.datasets.values()] == [1]


def test_a_file_that_the_client_passes_over_is_missed_and_sent_by_the_next_run(
    server: KaggleCodeServer, dataset: PrivateDataset
) -> None:
    server.lose_upload("stack.keras")
    with pytest.raises(KaggleError, match=r"The upload of stack\.keras .* failed"):
        dataset.upload()
    server.fail("PUT", server.answer)
    dataset.upload()
    assert server.datasets[REFERENCE].versions[-1] == files_of(dataset.folder)


def test_a_dataset_that_kaggle_cannot_make_is_told(server: KaggleCodeServer, dataset: PrivateDataset) -> None:
    server.dataset_states = ("BLOBS_RECEIVED", "FAILED")
    with pytest.raises(KaggleError, match=r"could not create the dataset .* \(failed\)"):
        dataset.upload()


def test_what_kaggle_says_against_a_dataset_is_told(server: KaggleCodeServer, dataset: PrivateDataset) -> None:

    server.fail("CreateDataset", Answer(content={"status": "error", "error": "Too many\ndatasets."}))
    with pytest.raises(KaggleError, match=r"did not accept the dataset .*: Too many datasets;"):
        dataset.upload()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("CreateDataset", refusal(400, f"Who is {KEY}?")),
        ("CreateDataset", Answer(content={"status": "error", "error": f"Who is {KEY}?"})),
        ("StartBlobUpload", refusal(403, f"Who is {KEY}?")),
    ],
)
def test_our_key_in_kaggles_words_is_not_shown(
    method: str, answer: Answer, server: KaggleCodeServer, dataset: PrivateDataset
) -> None:
    server.fail(method, answer)
    with said("Who is ***?"):
        dataset.upload()


def test_trouble_that_passes_does_not_end_the_wait(server: KaggleCodeServer, dataset: PrivateDataset) -> None:

    looks = iter(range(100))

    def sometimes(request: object) -> Answer:
        return server.answer(request) if next(looks) not in range(2, 8) else Answer(503, "")

    server.fail("GetDatasetStatus", sometimes)
    dataset.upload()
    assert any("Still waiting" in note for note in dataset.progress.notes)
