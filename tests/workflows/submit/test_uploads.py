from __future__ import annotations

import pytest
from helpers.photos import Heard

from ensembler.errors import BadChoice, KaggleError
from ensembler.submission.kaggle.errors import UnconfirmedSubmission
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer
from ensembler.workflows.submit.uploads import upload


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


@pytest.fixture
def answer(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,label\n")
    return Answer("pets", path, "aa", 9, slug="pets")


def statuses(ledger):
    return [(row.ref, row.status, row.reason) for row in ledger.list_rows()]


def failing(error):
    def send():
        raise error

    return send


def test_the_trace_is_there_before_anything_is_sent(ledger, answer):
    seen = []

    def send():
        seen.extend(statuses(ledger))
        return 7

    heard = Heard()
    assert upload(ledger, answer, "[a]", send, heard, again=False) == 7
    assert seen == [(None, "UPLOADING", "")]
    assert statuses(ledger) == [(7, "PENDING", "")]
    assert heard.notes == ["Kaggle accepted a.csv as submission 7."]


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (KaggleError("No."), (None, "FAILED", "No.")),
        (UnconfirmedSubmission("Perhaps."), (None, "UPLOADING", "")),
        (KeyboardInterrupt(), (None, "UPLOADING", "")),
    ],
)
def test_what_is_left_of_an_upload_that_did_not_end_well(ledger, answer, error, row):
    with pytest.raises(type(error)):
        upload(ledger, answer, "[a]", failing(error), Heard(), again=False)
    assert statuses(ledger) == [row]


def test_the_same_bytes_are_not_sent_twice_unasked(ledger, answer):
    upload(ledger, answer, "[a 1]", lambda: 7, Heard(), again=False)
    with pytest.raises(BadChoice, match="submission 7"):
        upload(ledger, answer, "[a 2]", failing(AssertionError()), Heard(), again=False)
    assert upload(ledger, answer, "[a 3]", lambda: 8, Heard(), again=True) == 8
