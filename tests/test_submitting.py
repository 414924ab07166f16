"""From Kaggle and back, by the real client and a local server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kaggle_server import KaggleServer, archive
from photos import photo_bytes

from ensembler.errors import BadChoice, BadData, KaggleError
from ensembler.storage import Workspace
from ensembler.workflows.competitions import adopt, fetch
from ensembler.workflows.submitting import score, submit

SLUG = "dogs-vs-cats-tiny"


@pytest.fixture(scope="module")
def competition() -> bytes:
    """A competition in the layout of dogs-vs-cats-redux: zips in a zip, labels in file names."""
    train = {f"train/{name}.{n}.jpg": photo_bytes(n, ".jpg") for n, name in enumerate(("cat", "dog") * 6)}
    test = {f"test/{n}.jpg": photo_bytes(100 + n, ".jpg") for n in range(1, 4)}
    sample = "id,label\n" + "".join(f"{n},0.5\n" for n in range(1, 4))
    return archive({"train.zip": archive(train), "test.zip": archive(test), "sample_submission.csv": sample.encode()})


@pytest.fixture
def kaggle(competition: bytes, tmp_path: Path) -> Iterator[KaggleServer]:
    with KaggleServer({SLUG: competition}) as server, server.in_process(tmp_path / "home"):
        yield server


@pytest.fixture
def fetched(kaggle: KaggleServer, workspace: Workspace) -> Workspace:
    got = fetch(f"https://www.kaggle.com/competitions/{SLUG}/data", workspace=workspace)
    assert (got.training, got.test, got.unreadable) == (12, 3, 0)
    assert got.manifest.classes == ("cat", "dog")
    return workspace


def write_answer(workspace: Workspace, content: str) -> Path:
    path = workspace.submissions / SLUG / "20260101-000000-b0.csv"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_the_newest_csv_is_uploaded_as_it_is_and_its_public_score_told(
    fetched: Workspace, kaggle: KaggleServer
) -> None:
    csv = write_answer(fetched, "id,label\n1,0.25\n2,0.5\n3,0.75\n")
    scored = submit(workspace=fetched, message="first")
    assert scored.status == "COMPLETE"
    assert scored.public is not None
    assert list(kaggle.uploads.values()) == [csv.read_bytes()]


@pytest.mark.parametrize(
    "content",
    ["id,label\n1,0.25\n3,0.5\n2,0.75\n", "id,label\n1,0.25\n2,\n3,0.75\n", "id,dog\n1,0.2\n2,0.5\n3,0.7\n"],
)
def test_what_the_sample_does_not_ask_for_is_not_uploaded(
    content: str, fetched: Workspace, kaggle: KaggleServer
) -> None:
    write_answer(fetched, content)
    with pytest.raises(BadData):
        submit(workspace=fetched)
    assert not kaggle.uploads


def test_a_damaged_download_is_removed_and_fetched_anew(
    kaggle: KaggleServer, workspace: Workspace, competition: bytes
) -> None:
    place = competition.index(b"sample_submission.csv") + 40
    kaggle.competitions[SLUG] = competition[:place] + b"XX" + competition[place + 2 :]
    with pytest.raises(BadData, match="download it again"):
        fetch(SLUG, workspace=workspace)
    assert not [path for path in workspace.data.rglob("*") if path.is_file()]
    kaggle.competitions[SLUG] = competition
    assert fetch(SLUG, workspace=workspace).training == 12


def test_a_second_fetch_asks_nothing_of_kaggle(fetched: Workspace, kaggle: KaggleServer) -> None:
    before = len(kaggle.requests)
    fetch(SLUG, workspace=fetched)
    assert len(kaggle.requests) == before


def test_an_unknown_slug_leaves_nothing_behind(kaggle: KaggleServer, workspace: Workspace) -> None:
    with pytest.raises(KaggleError, match="dogs-vs-cast"):
        fetch("dogs-vs-cast", workspace=workspace)
    assert not workspace.competitions()


def test_a_local_competition_is_scored_here_not_submitted(workspace: Workspace, tmp_path: Path) -> None:
    for n in range(20):
        path = tmp_path / "photos" / ("ab"[n % 2]) / f"{n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo_bytes(n, ".jpg"))
    adopt(tmp_path / "photos", "local", workspace=workspace)
    with pytest.raises(BadChoice, match="ensembler score"):
        submit(workspace=workspace)
    folder = workspace.competition("local")
    assert score(folder.sample, workspace=workspace).log_loss == pytest.approx(np.log(2))
    folder.solution.unlink()
    with pytest.raises(BadChoice, match="--truth"):
        score(folder.sample, workspace=workspace)
