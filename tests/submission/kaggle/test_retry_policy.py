from __future__ import annotations

import socket
import threading
import time

import pytest
import requests
from helpers.photos import Heard
from requests.adapters import HTTPAdapter

from ensembler.errors import KaggleError
from ensembler.submission.kaggle.errors import Intercepted, TransientError
from ensembler.submission.kaggle.retry_policy import _ACTIVE_POLICY, DEFAULT_RETRIES, RetryPolicy

QUICK = RetryPolicy(first_pause=0.001, max_pause=0.004, max_retry_after=0.05, max_attempts=4)


def trouble(retry_after=None, kind=TransientError):
    error = kind("Busy.")
    error.retry_after = retry_after
    return error


class Asked:
    """Fails with the errors given, then answers; remembers when it was asked."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.times = []

    def __call__(self):
        self.times.append(time.monotonic())
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_passing_trouble_is_outlasted(failures):
    ask = Asked(*[trouble() for _ in range(failures)])
    assert QUICK.call(ask, Heard()) == "answer"
    assert len(ask.times) == failures + 1


@pytest.mark.parametrize(
    ("errors", "asked"),
    [
        ([trouble() for _ in range(9)], 4),
        ([KaggleError("No.")], 1),
        ([trouble(kind=Intercepted)], 1),
        ([trouble(retry_after=0.06)], 1),
        ([trouble(), trouble(retry_after=3600.0)], 2),
    ],
    ids=["too often", "a refusal", "a login page", "too long a pause", "too long a pause later on"],
)
def test_when_to_give_up(errors, asked):
    ask, last = Asked(*errors), errors[asked - 1]
    with pytest.raises(KaggleError) as caught:
        QUICK.call(ask, Heard())
    assert caught.value is last
    assert len(ask.times) == asked


def test_kaggle_gets_the_pause_that_it_asks_for():
    ask = Asked(trouble(retry_after=0.04))
    QUICK.call(ask, Heard())
    assert ask.times[1] - ask.times[0] >= 0.04


def test_pauses_grow_up_to_a_limit_and_differ():
    patience = RetryPolicy(first_pause=1, max_pause=8)
    pauses = [[patience.compute_pause(failures, None) for _ in range(50)] for failures in (1, 2, 3, 4, 9)]
    for each, longest in zip(pauses, (1, 2, 4, 8, 8), strict=True):
        assert longest / 2 <= min(each) < max(each) <= longest
        assert len(set(each)) > 25


def test_long_pauses_are_told(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    heard = Heard()
    RetryPolicy(first_pause=4).call(Asked(trouble(), trouble()), heard)
    assert [note.partition(" Trying")[0] for note in heard.notes] == ["Busy.", "Busy."]
    assert "(1 of 8)" in heard.notes[0]
    assert heard.notes[1].endswith("(2 of 8).")


@pytest.fixture
def silent_server():
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def stalling_server():
    """Begins an answer and stops in the midst of it."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
                over.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("method", ["get", "put", "post"])
def test_a_request_without_an_answer_ends(silent_server, session, method):
    began = time.monotonic()
    with pytest.raises(requests.Timeout), RetryPolicy(read_timeout=0.1).apply_timeouts():
        getattr(session, method)(silent_server)
    assert time.monotonic() - began < 5


def test_an_answer_that_stalls_ends(stalling_server, session):
    with RetryPolicy(read_timeout=0.1).apply_timeouts():
        answer = session.get(stalling_server, stream=True)
    with pytest.raises(requests.ConnectionError):
        answer.content  # noqa: B018 - reading it is what stalls


def test_a_limit_of_somebodys_own_stays(silent_server, session):
    began = time.monotonic()
    with pytest.raises(requests.Timeout), DEFAULT_RETRIES.apply_timeouts():
        session.get(silent_server, timeout=0.1)
    assert time.monotonic() - began < 5


def test_limits_end_with_the_block_and_are_those_of_its_thread(silent_server, session):
    with pytest.raises(requests.Timeout), RetryPolicy(read_timeout=0.05).apply_timeouts():
        session.get(silent_server)
    seen = []

    class Adapter(HTTPAdapter):
        def build_response(self, *arguments):
            raise AssertionError

        def cert_verify(self, *arguments):
            seen.append(_ACTIVE_POLICY.get())
            raise requests.ConnectionError

    session.mount("http://", Adapter())

    def ask():
        with pytest.raises(requests.ConnectionError):
            session.get(silent_server)

    ask()
    with RetryPolicy(connect_timeout=1, read_timeout=2).apply_timeouts():
        ask()
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert [limits and (limits.connect_timeout, limits.read_timeout) for limits in seen] == [None, (1, 2), None]


def test_an_upload_is_not_repeated_for_minutes(session):
    asked = []

    class Adapter(HTTPAdapter):
        def cert_verify(self, *arguments):
            asked.append(self.max_retries.total)
            raise requests.ConnectionError

    session.mount("http://", Adapter(max_retries=10))
    with pytest.raises(requests.ConnectionError), RetryPolicy(upload_retries=2).apply_timeouts():
        session.put("http://127.0.0.1:9", data=b"")
    with pytest.raises(requests.ConnectionError):
        session.put("http://127.0.0.1:9", data=b"")
    assert asked == [2, 2]
    session.mount("http://", Adapter(max_retries=10))
    with pytest.raises(requests.ConnectionError):
        session.put("http://127.0.0.1:9", data=b"")
    assert asked == [2, 2, 10]
