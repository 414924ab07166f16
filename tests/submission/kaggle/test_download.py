from __future__ import annotations

import contextlib
import os

import pytest
import requests
from helpers.kaggle_server import archive
from helpers.photos import Heard

from ensembler.errors import KaggleError, StorageError
from ensembler.submission.kaggle.download import CHUNK, download, remove_partial
from ensembler.submission.kaggle.errors import BadRange, TransientError
from ensembler.submission.kaggle.retry_policy import RetryPolicy

CONTENT = archive({"photos": os.urandom(10 * CHUNK)})
TAG = '"one"'
QUICK = RetryPolicy(first_pause=0, max_pause=0, max_attempts=3)


class Answer:
    """What requests gives for an answer of the storage's; the connection breaks after ``cut`` bytes."""

    def __init__(self, status, body, headers, cut=None):
        self.status_code, self.body, self.headers, self.cut = (
            status,
            body,
            requests.structures.CaseInsensitiveDict(headers),
            cut,
        )
        self.closed = False

    def iter_content(self, size):
        body = self.body[: self.cut]
        for begin in range(0, len(body) - (len(body) % size if self.cut else 0), size):
            yield body[begin : begin + size]
        if self.cut is not None and self.cut < len(self.body):
            raise requests.exceptions.ChunkedEncodingError("broken off")

    def close(self):
        self.closed = True


class Storage:
    """Answers as storage does; ``cuts`` are the bytes after which each answer breaks, None for one that does not."""

    def __init__(self, content=CONTENT, tag=TAG, cuts=(), ranges=True, length=True, **headers):
        self.content, self.tag, self.cuts, self.ranges, self.length = content, tag, list(cuts), ranges, length
        self.headers = headers
        self.asked, self.answers = [], []

    def __call__(self, headers):
        self.asked.append(headers)
        cut = self.cuts.pop(0) if self.cuts else None
        if isinstance(cut, BaseException):
            raise cut
        begin = 0
        if self.ranges and headers.get("If-Range") == self.tag:
            begin = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
        told = {"ETag": self.tag, **self.headers}
        body = self.content[begin:]
        if self.length:
            told["Content-Length"] = str(len(body))
        if begin:
            told["Content-Range"] = f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}"
        self.answers.append(Answer(206 if begin else 200, body, told, cut))
        return self.answers[-1]


@contextlib.contextmanager
def translated():
    try:
        yield
    except requests.RequestException:
        raise TransientError("Broken off.") from None


def fetched(storage, target, heard=None, make_room=lambda size, rest: None):
    return download(
        storage, target, heard or Heard(), retry_policy=QUICK, make_room=make_room, translate_errors=translated
    )


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_download(tmp_path):
    heard, storage = Heard(), Storage()
    assert fetched(storage, tmp_path / "new" / "a.zip", heard).read_bytes() == CONTENT
    assert files(tmp_path / "new") == ["a.zip"]
    assert (heard.labels, heard.totals, heard.steps, heard.finished) == (
        ["download a.zip"],
        [len(CONTENT)],
        len(CONTENT),
        1,
    )
    assert storage.answers[0].closed


@pytest.mark.parametrize(
    "cuts", [[3 * CHUNK], [CHUNK] * 8, [0, 0, CHUNK, 0, 0, CHUNK], [TransientError("Busy."), CHUNK]]
)
def test_cuts_cost_nothing_that_came(tmp_path, cuts):
    heard, storage = Heard(), Storage(cuts=cuts)
    assert fetched(storage, tmp_path / "a.zip", heard).read_bytes() == CONTENT
    assert heard.steps == len(CONTENT)
    assert heard.finished == 1
    assert len(storage.asked) == len(cuts) + 1
    came, ranges = 0, []
    for cut in cuts:
        ranges.append(came)
        came += cut if isinstance(cut, int) else 0
    assert [int(asked.get("Range", "bytes=0-")[6:-1]) for asked in storage.asked] == [*ranges, came]


def test_too_many_cuts_in_vain(tmp_path):
    storage = Storage(cuts=[CHUNK, 0, 0, 0, 0, 0])
    with pytest.raises(TransientError, match="Broken off"):
        fetched(storage, tmp_path / "a.zip")
    assert len(storage.asked) == 4
    # What came before is there for the next time.
    assert fetched(rest := Storage(), tmp_path / "a.zip").read_bytes() == CONTENT
    assert rest.asked[0]["Range"] == f"bytes={CHUNK}-"


def interrupted(target, cut):
    """Leave what a killed download leaves."""
    with pytest.raises(KeyboardInterrupt):
        fetched(Storage(cuts=[cut, KeyboardInterrupt()]), target)


def test_another_run_goes_on_where_a_killed_one_stopped(tmp_path):
    interrupted(tmp_path / "a.zip", 4 * CHUNK)
    assert files(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    heard, storage = Heard(), Storage()
    assert fetched(storage, tmp_path / "a.zip", heard).read_bytes() == CONTENT
    assert [asked["Range"] for asked in storage.asked] == [f"bytes={4 * CHUNK}-"]
    assert heard.steps == len(CONTENT)
    assert files(tmp_path) == ["a.zip"]


def test_killed_between_the_last_byte_and_the_rename(tmp_path):
    interrupted(tmp_path / "a.zip", CHUNK)
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    storage = Storage()
    assert fetched(storage, tmp_path / "a.zip").read_bytes() == CONTENT
    assert storage.asked == []


@pytest.mark.parametrize("spoil", ["no note", "broken note", "another file since", "more than there is"])
def test_when_to_begin_anew(tmp_path, spoil):
    interrupted(tmp_path / "a.zip", 4 * CHUNK)
    part, note = tmp_path / "a.zip.part", tmp_path / "a.zip.part.json"
    storage = Storage()
    if spoil == "no note":
        note.unlink()
    elif spoil == "broken note":
        note.write_text("{")
    elif spoil == "another file since":
        storage = Storage(archive({"others": os.urandom(8 * CHUNK)}), tag='"two"')
    else:
        part.write_bytes(CONTENT + b"more")
        storage.cuts = [BadRange("416")]
    assert fetched(storage, tmp_path / "a.zip").read_bytes() == storage.content
    assert files(tmp_path) == ["a.zip"]


def test_a_piece_that_was_not_asked_for_is_not_taken(tmp_path):
    interrupted(tmp_path / "a.zip", 4 * CHUNK)
    storage = Storage()

    def shifted(headers):
        answer = storage(headers)
        if answer.status_code == 206:
            answer.headers["Content-Range"] = f"bytes {5 * CHUNK}-{len(CONTENT) - 1}/{len(CONTENT)}"
        return answer

    assert fetched(shifted, tmp_path / "a.zip").read_bytes() == CONTENT
    assert "Range" not in storage.asked[1]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_proof_of_identity_nothing_is_resumed(tmp_path, tag):
    storage = Storage(tag=tag, cuts=[4 * CHUNK])
    assert fetched(storage, tmp_path / "a.zip").read_bytes() == CONTENT
    assert not any("Range" in asked for asked in storage.asked)


def test_a_date_proves_identity_too(tmp_path):
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    storage = Storage(tag="", cuts=[4 * CHUNK], **{"Last-Modified": date})
    fetched(storage, tmp_path / "a.zip")
    assert storage.asked[1]["If-Range"] == date


def test_storage_without_ranges_is_given_up(tmp_path):
    storage = Storage(cuts=[4 * CHUNK] * 9, ranges=False)
    with pytest.raises(TransientError):
        fetched(storage, tmp_path / "a.zip")
    assert len(storage.asked) == 4


def test_unknown_length(tmp_path):
    heard = Heard()
    assert fetched(Storage(length=False), tmp_path / "a.zip", heard).read_bytes() == CONTENT
    assert heard.totals == [0]


def test_an_answer_that_is_short_without_a_word_goes_on(tmp_path):
    storage = Storage()

    def short(headers):
        answer = storage(headers)
        if len(storage.asked) == 1:
            answer.body = answer.body[: 2 * CHUNK]
        return answer

    assert fetched(short, tmp_path / "a.zip").read_bytes() == CONTENT
    assert storage.asked[1]["Range"] == f"bytes={2 * CHUNK}-"


def test_what_is_no_zip_is_not_kept(tmp_path):
    with pytest.raises(KaggleError, match="not a zip"):
        fetched(Storage(b"Sorry, our storage is being moved."), tmp_path / "a.zip")
    assert files(tmp_path) == []


def test_the_length_of_packed_content_says_nothing(tmp_path):
    storage = Storage(**{"Content-Encoding": "gzip", "Content-Length": "5"}, length=False)
    assert fetched(storage, tmp_path / "a.zip").read_bytes() == CONTENT


def test_more_than_was_announced_is_not_kept(tmp_path):
    storage = Storage()

    def longer(headers):
        answer = storage(headers)
        answer.body += b"more"
        return answer

    with pytest.raises(KaggleError, match="too large"):
        fetched(longer, tmp_path / "a.zip")
    assert files(tmp_path) == []


def test_room_is_asked_for_before_a_byte_is_written(tmp_path):
    asked = []

    def make_room(size, rest):
        asked.append((size, rest, (tmp_path / "a.zip.part").exists()))
        if len(asked) == 1:
            raise StorageError("full")

    with pytest.raises(StorageError):
        fetched(Storage(), tmp_path / "a.zip", make_room=make_room)
    fetched(Storage(cuts=[3 * CHUNK]), tmp_path / "a.zip", make_room=make_room)
    size = len(CONTENT)
    assert asked == [(size, size, False), (size, size, False), (size, size - 3 * CHUNK, True)]


def test_forget(tmp_path):
    interrupted(tmp_path / "a.zip", CHUNK)
    remove_partial(tmp_path / "a.zip")
    assert files(tmp_path) == []
