from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ensembler.engines.transport.inbox import Inbox
from ensembler.engines.transport.messages import Content
from ensembler.errors import TransferFailed


def content_of(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data))


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    inbox = Inbox()
    inbox.open("job", (str(tmp_path / "fold-0"),))
    return inbox


@pytest.mark.parametrize("place", ["other", "fold-00", "fold-0/../other", "fold-0//x", "./fold-0", ""])
def test_a_node_writes_and_deletes_only_where_its_job_may(inbox: Inbox, tmp_path: Path, place: str) -> None:
    (tmp_path / "other").write_text("mine")
    path = f"{tmp_path}/{place}"
    for act in (lambda: inbox.add_piece("job", path, 0, b"x"), lambda: inbox.delete("job", path)):
        with pytest.raises(TransferFailed, match="may not write"):
            act()
    assert (tmp_path / "other").read_text() == "mine"


def test_a_half_received_file_replaces_nothing(inbox: Inbox, tmp_path: Path) -> None:
    path = tmp_path / "fold-0" / "checkpoint.npz"
    path.parent.mkdir()
    path.write_text("epoch 1")
    inbox.add_piece("job", str(path), 0, b"epo")
    inbox.abandon("job")
    assert [each.name for each in path.parent.iterdir()] == ["checkpoint.npz"]
    assert path.read_text() == "epoch 1"
    with pytest.raises(TransferFailed, match="given up"):
        inbox.add_piece("job", str(path), 3, b"ch 2")


def test_pieces_arrive_in_order_and_a_file_may_begin_anew(inbox: Inbox, tmp_path: Path) -> None:
    path = str(tmp_path / "fold-0" / "model.keras")
    with pytest.raises(TransferFailed, match="first piece"):
        inbox.add_piece("job", path, 5, b"later")
    inbox.add_piece("job", path, 0, b"first")
    with pytest.raises(TransferFailed, match=r"piece of .* is missing"):
        inbox.add_piece("job", path, 10, b"too far")
    inbox.add_piece("job", path, 0, b"again")
    inbox.add_piece("job", path, 5, b" and on")
    assert not inbox.complete("job", path, content_of(b"something else"))
    assert not Path(path).exists()
    for offset, piece in ((0, b"again"), (5, b" and on")):
        inbox.add_piece("job", path, offset, piece)
    assert inbox.complete("job", path, content_of(b"again and on"))
    assert Path(path).read_bytes() == b"again and on"


def test_the_end_of_a_run_removes_half_received_files(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add_piece("job", str(tmp_path / "fold-0" / "x"), 0, b"half")
    inbox.close()
    assert list((tmp_path / "fold-0").iterdir()) == []
