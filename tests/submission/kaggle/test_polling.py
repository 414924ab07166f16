from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from helpers.photos import Heard

from ensembler.errors import KaggleError
from ensembler.submission.kaggle.errors import TransientError
from ensembler.submission.kaggle.polling import PollingPolicy

QUICK = PollingPolicy(timeout=5, first_pause=0.001, max_pause=0.002)


def answers(*given: object) -> Iterator[object]:
    yield from given
    while True:
        yield None


def poll(policy: PollingPolicy, heard: Heard, *given: object) -> object:
    replies = answers(*given)

    def look(_: float) -> object:
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return policy.poll(look, heard, "waiting")


def test_the_first_answer_ends_the_polling():
    heard = Heard()
    assert poll(QUICK, heard, None, None, "done", "later") == "done"
    assert heard.finished == 1


def test_no_answer_in_time_is_none():
    heard = Heard()
    began = time.monotonic()
    assert poll(PollingPolicy(timeout=0.05, first_pause=60), heard) is None
    assert time.monotonic() - began < 5
    assert heard.finished == 1


def test_passing_trouble_is_told_once_and_other_errors_end_the_polling():
    heard = Heard()
    assert poll(QUICK, heard, TransientError("Busy."), TransientError("Busy."), TransientError("Down."), 7) == 7
    assert heard.notes == ["Busy. Still waiting.", "Down. Still waiting."]
    with pytest.raises(KaggleError, match=r"No\."):
        poll(QUICK, heard, KaggleError("No."))
    assert heard.finished == 2


def test_kaggle_gets_the_pause_that_it_asks_for():
    began = time.monotonic()
    assert poll(QUICK, Heard(), TransientError("Busy.", retry_after=0.1), "done") == "done"
    assert time.monotonic() - began >= 0.1
