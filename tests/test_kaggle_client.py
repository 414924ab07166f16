from __future__ import annotations

import contextlib
import dataclasses
import gzip
import io
import os
import subprocess
import sys
import threading
import time
import zipfile

import pytest
import requests
from kaggle_server import KEY, SIGNATURE, Answer, KaggleServer, archive, refusal

from ensembler.errors import BadChoice, BadData, EnsemblerError, KaggleError, StorageError
from ensembler.progress import Progress, Task
from ensembler.submission import kaggle_client
from ensembler.submission.kaggle_client import Kaggle, Score, slug_of

SLUG = "cats-and-dogs"
ZIP = archive({f"train/{number}.jpg": os.urandom(2000) for number in range(450)})


class Heard(Progress, Task):
    """Remembers what it is told."""

    def __init__(self):
        self.totals, self.steps, self.notes, self.finished = [], [], [], 0

    def start(self, label, total):
        self.totals.append(total)
        return self

    def advance(self, steps=1):
        self.steps.append(steps)

    def finish(self):
        self.finished += 1

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def server(tmp_path):
    with KaggleServer({SLUG: ZIP}) as server, server.in_process(tmp_path):
        yield server


@pytest.fixture
def kaggle(server):
    return dataclasses.replace(Kaggle.connect(), pause=0.01)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "answer.csv"
    path.write_text("id,label\n1,0.5\n")
    return path


@contextlib.contextmanager
def said(*words, kind=KaggleError):
    """Expect one error that has all these words and none of the secrets."""
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    for word in words:
        assert word in message
    assert KEY not in message
    assert SIGNATURE not in message
    assert "\n" not in message


# The slug


@pytest.mark.parametrize(
    "text",
    [
        "dogs-vs-cats",
        "  dogs-vs-cats\n",
        "Dogs-vs-Cats",
        "https://www.kaggle.com/c/dogs-vs-cats",
        "https://www.kaggle.com/c/dogs-vs-cats/",
        "https://www.kaggle.com/competitions/dogs-vs-cats",
        "https://www.kaggle.com/competitions/dogs-vs-cats/data",
        "https://www.kaggle.com/competitions/dogs-vs-cats/overview/evaluation",
        "https://www.kaggle.com/competitions/dogs-vs-cats/leaderboard?tab=public#top",
        "https://www.kaggle.com/competitions/dogs-vs-cats?rvi=1",
        "http://kaggle.com/c/dogs-vs-cats/rules",
        "www.kaggle.com/competitions/dogs-vs-cats",
        "kaggle.com/c/dogs-vs-cats",
    ],
)
def test_slug_of(text):
    assert slug_of(text) == "dogs-vs-cats"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dogs vs cats",
        "../dogs",
        "-dogs",
        "dogs.zip",
        "kaggle.com",
        "https://www.kaggle.com/",
        "https://www.kaggle.com/competitions",
        "https://www.kaggle.com/competitions/",
        "https://www.kaggle.com/datasets/owner/dogs",
        "https://www.kaggle.com/t/0123456789abcdef",
        "https://example.com/competitions/dogs-vs-cats",
        "https://notkaggle.com/competitions/dogs-vs-cats",
        "https://[broken",
    ],
)
def test_what_is_no_slug(text):
    with pytest.raises(BadChoice, match="competitions/SLUG"):
        slug_of(text)


# Signing in


def test_connect_prints_nothing_and_leaves_stdin_open(server, capfd):
    Kaggle.connect()
    assert capfd.readouterr() == ("", "")


def test_credentials_missing(server, monkeypatch, capfd):
    monkeypatch.delenv("KAGGLE_KEY")
    stdin = io.StringIO("still open")
    monkeypatch.setattr(sys, "stdin", stdin)
    with said("https://www.kaggle.com/settings/api", "KAGGLE_API_TOKEN", "kaggle auth login"):
        Kaggle.connect()
    assert capfd.readouterr() == ("", "")
    assert sys.stdin is stdin
    assert stdin.read() == "still open"


def test_credentials_may_come_later(server, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    with said():
        Kaggle.connect()
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    assert Kaggle.connect()


def test_folder_for_settings_cannot_be_made(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "file" / "folder"))
    with said("KAGGLE_CONFIG_DIR", str(tmp_path)):
        Kaggle.connect()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(400, "Invalid token"), ["token in KAGGLE_API_TOKEN", "hides your API key"]),
        (Answer(content={"active": False}), ["token in KAGGLE_API_TOKEN", "hides your API key"]),
        (refusal(401, "No"), ["does not accept your token", "settings/api"]),
        (refusal(503, "Busy"), ["503", "few minutes"]),
        (None, ["HTTPS_PROXY"]),
        (Answer(content="<html>Welcome to our hotel</html>"), ["login page"]),
    ],
)
def test_token_that_is_not_taken(server, monkeypatch, answer, words):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "secret-token")
    server.fail("IntrospectToken", answer)
    with said(*words) as caught:
        Kaggle.connect()
    assert "secret-token" not in str(caught)


def test_token_that_is_taken(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "secret-token")
    server.fail("IntrospectToken", Answer(content={"active": True, "username": "tester"}))
    server.fail("ListSubmissions", Answer(content={"submissions": []}))
    kaggle = Kaggle.connect()
    assert kaggle.wait_for_score(SLUG, 1, Progress(), timeout=0).status == "PENDING"
    assert server.requests[-1].headers["Authorization"] == "Bearer secret-token"


def test_proxy_that_is_not_there(server, kaggle, monkeypatch, tmp_path):
    monkeypatch.setenv("http_proxy", "http://me:secret-password@127.0.0.1:9")
    with said("HTTPS_PROXY") as caught:
        kaggle.download(SLUG, tmp_path, Progress())
    assert "secret-password" not in str(caught)


def test_network_without_a_proxy(server, kaggle, monkeypatch, tmp_path):
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, server.url)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    server.fail("ListDataFiles", None)
    with said("check the network and try again"):
        kaggle.download(SLUG, tmp_path, Progress())


def test_importing_us_imports_no_kaggle():
    script = (
        "import sys, ensembler.submission.kaggle_client\n"
        "assert not {'kaggle', 'kagglesdk', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_process_of_its_own(server, tmp_path):
    script = (
        "import sys; from pathlib import Path\n"
        "from ensembler.progress import Progress\n"
        "from ensembler.submission.kaggle_client import Kaggle\n"
        "Kaggle.connect().download(sys.argv[1], Path(sys.argv[2]), Progress())"
    )
    command = [sys.executable, "-c", script, SLUG, str(tmp_path / "raw")]
    environment = os.environ | server.environment()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "raw" / f"{SLUG}.zip").read_bytes() == ZIP


# Downloading


def test_download(server, kaggle, tmp_path, capfd):
    heard = Heard()
    path = kaggle.download(SLUG, tmp_path / "data" / "raw", heard)
    assert path == tmp_path / "data" / "raw" / f"{SLUG}.zip"
    assert path.read_bytes() == ZIP
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert sum(heard.steps) == len(ZIP)
    assert heard.totals == [450 * 2000]
    assert heard.finished == 1
    assert len(server.asked("ListDataFiles")) == 3
    assert capfd.readouterr() == ("", "")


def test_a_broken_download_goes_on_and_tells_how_far_it_is(server, kaggle, tmp_path):
    content = server.competitions[SLUG] = archive({"photos": os.urandom(3 << 20)})
    told = threading.Event()
    heard = Heard()
    heard.advance = lambda steps: (heard.steps.append(steps), told.set())

    def broken(request):
        whole = server.answer(request)
        headers = whole.headers | {"Content-Length": str(len(content))}
        return dataclasses.replace(whole, content=content[: 3 << 19], headers=headers)

    def rest(request):
        assert told.wait(10)
        return server.answer(request)

    answers = [broken, rest]
    server.fail("GET", lambda request: answers.pop(0)(request))
    assert kaggle.download(SLUG, tmp_path, heard).read_bytes() == content
    # The client writes a mebibyte at a time.
    assert server.asked("GET")[1].headers["Range"] == f"bytes={1 << 20}-"
    assert heard.steps[0] == 1 << 20
    assert sum(heard.steps) == len(content)


def test_the_bar_waits_for_a_download_that_starts_anew(tmp_path):
    path, heard, sizes = tmp_path / "a.zip", Heard(), [1000, 0, 500, 2000]

    class Grow(threading.Event):
        def wait(self, timeout=None):
            path.write_bytes(bytes(sizes.pop(0)))
            return not sizes

    kaggle_client._watch(path, heard, Grow())
    assert heard.steps == [1000, 1000]


def test_too_many_files_to_list_have_no_total(server, kaggle, tmp_path):
    server.competitions[SLUG] = archive({str(number): b"" for number in range(2001)})
    heard = Heard()
    kaggle.download(SLUG, tmp_path, heard)
    assert heard.totals == [0]


def test_what_is_there_already_is_not_downloaded_again(server, kaggle, tmp_path):
    kaggle.download(SLUG, tmp_path, Progress())
    before = (tmp_path / f"{SLUG}.zip").stat().st_mtime_ns
    heard = Heard()
    kaggle.download(SLUG, tmp_path, heard)
    assert (tmp_path / f"{SLUG}.zip").stat().st_mtime_ns == before
    assert sum(heard.steps) == len(ZIP)


def test_what_is_no_zip_is_removed(server, kaggle, tmp_path):
    server.fail("GET", Answer(200, b"Sorry, our storage is being moved."))
    with said("not a zip", "download it again"):
        kaggle.download(SLUG, tmp_path / "raw", Progress())
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_download_of_the_wrong_size_is_removed(server, kaggle, tmp_path):
    packed = gzip.compress(ZIP)
    headers = {"Content-Encoding": "gzip", "Accept-Ranges": "bytes", "ETag": '"one"'}
    server.fail("GET", Answer(200, packed, headers))
    with said(SLUG, "spoilt", "try again"):
        kaggle.download(SLUG, tmp_path / "raw", Progress())
    assert list((tmp_path / "raw").iterdir()) == []


def test_the_disk_refuses(server, kaggle, tmp_path):
    (tmp_path / "file").touch()
    with said("file", kind=StorageError):
        kaggle.download(SLUG, tmp_path / "file" / "raw", Progress())


def test_storage_refuses_without_showing_its_signed_address(server, kaggle, tmp_path):
    server.fail("GET", Answer(503, "<html>Busy</html>"))
    with said("503", "few minutes"):
        kaggle.download(SLUG, tmp_path, Progress())


REFUSALS = {
    "bad key": (refusal(401, f"Invalid key {KEY}"), ["does not accept your token or key", "settings/api"]),
    "rules": (
        refusal(403, "You must accept this competition's rules before you can continue"),
        [f"https://www.kaggle.com/competitions/{SLUG}/rules"],
    ),
    "rules, not as JSON": (
        Answer(403, "<html>Please accept the Rules</html>"),
        ["not accepted the rules", f"https://www.kaggle.com/competitions/{SLUG}/rules"],
    ),
    "wrong slug": (
        refusal(403, "Permission 'competitions.participate' was denied"),
        [repr(SLUG), "check the slug", f"https://www.kaggle.com/competitions/{SLUG}/rules"],
    ),
    "closed, not as JSON": (Answer(403, "<html></html>"), [repr(SLUG), "check the slug", "/rules"]),
    "not found": (refusal(404, "Not found"), [repr(SLUG), "check the slug", "/rules"]),
    "refused with a reason": (
        refusal(400, "Submission not allowed:\n your team has used its daily limit (5)."),
        ["Submission not allowed: your team has used its daily limit (5);", f"competitions/{SLUG}."],
    ),
    "refused with our key in the reason": (refusal(400, f"Who is {KEY}?"), ["Who is ***?"]),
    "refused without a reason": (Answer(400, ""), ["(400)", "no reason", "deadline"]),
    "refused under status 200": (Answer(200, {"code": 400, "message": "Too late"}), ["(400)", "Too late"]),
    "reason of an odd kind": (Answer(400, {"message": None}), ["no reason"]),
    "too many": (Answer(429, "", {"Retry-After": "17"}), ["too many requests", "in 17 seconds"]),
    "too many, until": (
        Answer(429, "", {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}),
        ["after Thu, 01 Jan 2026"],
    ),
    "too many, who knows": (refusal(429, "Slow down"), ["in a few minutes"]),
    "trouble at Kaggle": (refusal(500, "Oops"), ["(500)", "try again in a few minutes"]),
    "gateway": (Answer(502, "<html>Bad gateway</html>"), ["(502)", "try again in a few minutes"]),
    "hung up": (None, ["at the proxy", "try again"]),
    "captive portal": (Answer(200, "<html>Welcome to our hotel</html>"), ["login page"]),
    "a reply of another shape": (Answer(200, {"files": None, "submissions": 5}), ["pip install -U kaggle"]),
}


@pytest.mark.parametrize(("answer", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(server, kaggle, tmp_path, answer, words):
    server.fail("ListDataFiles", answer)
    with said(*words):
        kaggle.download(SLUG, tmp_path, Progress())


@pytest.mark.parametrize("case", ["bad key", "rules", "rules, not as JSON", "too many", "hung up", "gateway"])
def test_refusals_of_the_download_itself(server, kaggle, tmp_path, case):
    answer, words = REFUSALS[case]
    server.fail("DownloadDataFiles", answer)
    with said(*words):
        kaggle.download(SLUG, tmp_path, Progress())


def test_a_typo_in_the_slug(kaggle, tmp_path):
    with said("'cat-and-dogs'", "check the slug"):
        kaggle.download("cat-and-dogs", tmp_path, Progress())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.exceptions.SSLError("certificate verify failed"), ["REQUESTS_CA_BUNDLE"]),
        (requests.ReadTimeout("read timed out"), ["in time"]),
        (requests.ConnectTimeout("timed out"), ["in time"]),
        (requests.HTTPError("no response at all"), ["few minutes"]),
        (requests.ConnectionError(f"https://storage/?{SIGNATURE}"), ["check the network"]),
        (requests.exceptions.ChunkedEncodingError("broken off"), ["check the network"]),
        (ValueError("something else"), ["ValueError", "pip install -U kaggle"]),
        (SystemExit(1), ["settings/api"]),
        (OSError(28, "No space left on device", "x.zip"), ["x.zip", "free some space"]),
    ],
)
def test_errors_that_a_local_server_cannot_cause(error, words):
    with said(*words, kind=EnsemblerError), kaggle_client._translated(SLUG):
        raise error


# Submitting


def test_submit_and_wait(server, kaggle, csv, capfd):
    server.pending_polls = 2
    ref = kaggle.submit(SLUG, csv, "stack, 0.05 at home")
    assert list(server.uploads.values()) == [csv.read_bytes()]
    assert server.submissions[0]["description"] == "stack, 0.05 at home"
    heard = Heard()
    score = kaggle.wait_for_score(SLUG, ref, heard, timeout=10, interval=0.01)
    assert score == Score(ref, "COMPLETE", 0.04, None, "")
    assert len(server.asked("ListSubmissions")) == 3
    assert heard.finished == 1
    assert capfd.readouterr() == ("", "")


def test_wait_for_one_among_others(server, kaggle, csv):
    refs = [kaggle.submit(SLUG, csv, f"number {number}") for number in range(30)]
    server.pending_polls = 0
    assert kaggle.wait_for_score(SLUG, refs[0], Progress()).ref == refs[0]


def test_time_is_up(server, kaggle, csv):
    server.pending_polls = 10_000
    ref = kaggle.submit(SLUG, csv, "slow")
    began = time.monotonic()
    score = kaggle.wait_for_score(SLUG, ref, Progress(), timeout=0.1, interval=60)
    assert score == Score(ref, "PENDING", None, None, "")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            {"errorDescription": "Evaluation Exception:\nSubmission must have 12500 rows."},
            ["must have 12500 rows;"],
        ),
        ({}, ["no reason"]),
    ],
)
def test_kaggle_cannot_score_it(server, kaggle, csv, outcome, words):
    server.outcome = {"status": "ERROR", **outcome}
    ref = kaggle.submit(SLUG, csv, "bad")
    with said(str(ref), f"competitions/{SLUG}/submissions", *words):
        kaggle.wait_for_score(SLUG, ref, Progress(), interval=0.01)


@pytest.mark.parametrize(
    ("text", "number"), [("0.5", 0.5), ("", None), ("None", None), ("nan", None), ("-1e3", -1000.0)]
)
def test_scores_are_numbers_or_nothing(server, kaggle, csv, text, number):
    server.outcome = {"status": "COMPLETE", "publicScore": text, "privateScore": text}
    score = kaggle.wait_for_score(SLUG, kaggle.submit(SLUG, csv, "m"), Progress(), interval=0.01)
    assert (score.public, score.private) == (number, number)


@pytest.mark.parametrize("trouble", [None, refusal(503, "Busy"), Answer(429, "")])
def test_trouble_while_waiting_passes(server, kaggle, csv, trouble):
    ref = kaggle.submit(SLUG, csv, "m")
    server.fail("ListSubmissions", trouble, times=2)
    heard = Heard()
    assert kaggle.wait_for_score(SLUG, ref, heard, interval=0.01).status == "COMPLETE"
    assert len(heard.notes) == 2


def test_waiting_ends_when_kaggle_refuses(server, kaggle):
    server.fail("ListSubmissions", refusal(401, "No"))
    with said("does not accept"):
        kaggle.wait_for_score(SLUG, 1, Progress())


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_upload_fails(server, kaggle, csv, status, capfd):
    server.fail("PUT", Answer(status, "<html>No</html>"))
    with said("upload", SLUG, "nothing was submitted", "try again"):
        kaggle.submit(SLUG, csv, "m")
    assert server.submissions == []
    assert capfd.readouterr() == ("", "")


def test_kaggle_does_not_take_it(server, kaggle, csv):
    server.fail("CreateSubmission", Answer(content={"message": "Not\ntoday.", "ref": 0}))
    with said("Not today;", f"competitions/{SLUG}/submissions"):
        kaggle.submit(SLUG, csv, "m")


@pytest.mark.parametrize("method", ["StartSubmissionUpload", "CreateSubmission"])
@pytest.mark.parametrize("case", ["refused with a reason", "refused under status 200", "rules", "bad key"])
def test_submission_is_refused(server, kaggle, csv, method, case):
    answer, words = REFUSALS[case]
    server.fail(method, answer)
    with said(*words):
        kaggle.submit(SLUG, csv, "m")
    assert server.submissions == []


def test_reply_is_lost_but_the_submission_counts(server, kaggle, csv):
    kaggle.submit(SLUG, csv, "another")
    server.fail("CreateSubmission", server.lose_reply)
    ref = kaggle.submit(SLUG, csv, "unique")
    assert [submission["ref"] for submission in server.submissions if submission["description"] == "unique"] == [ref]


def test_reply_is_lost_and_the_list_is_late(server, kaggle, csv):
    server.fail("CreateSubmission", server.lose_reply)
    server.fail("ListSubmissions", Answer(content={"submissions": []}), times=2)
    assert kaggle.submit(SLUG, csv, "unique") == server.submissions[0]["ref"]


def test_request_is_lost(server, kaggle, csv):
    kaggle.submit(SLUG, csv, "another")
    server.fail("CreateSubmission", None)
    with said("Nothing was submitted", "try again"):
        kaggle.submit(SLUG, csv, "unique")


def test_nobody_knows_whether_it_counts(server, kaggle, csv):
    server.fail("CreateSubmission", server.lose_reply)
    server.fail("ListSubmissions", None)
    with said("may count all the same", f"https://www.kaggle.com/competitions/{SLUG}/submissions"):
        kaggle.submit(SLUG, csv, "unique")


@pytest.mark.parametrize("content", [b"", None])
def test_nothing_to_submit(server, kaggle, tmp_path, content):
    path = tmp_path / "empty.csv"
    if content is not None:
        path.write_bytes(content)
    with said("empty.csv", kind=BadData):
        kaggle.submit(SLUG, path, "m")
    assert not server.asked("StartSubmissionUpload")


def test_the_servers_archive_is_sound():
    with zipfile.ZipFile(io.BytesIO(ZIP)) as reader:
        assert reader.testzip() is None
