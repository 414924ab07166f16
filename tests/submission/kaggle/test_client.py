from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime

import pytest
from helpers.kaggle_server import KEY, Answer, KaggleServer, archive, refusal, said
from helpers.photos import Heard

from ensembler.errors import BadChoice, BadData, StorageError
from ensembler.progress import Progress
from ensembler.submission.kaggle.competitions import parse_slug
from ensembler.submission.kaggle.download import CHUNK
from ensembler.submission.kaggle.errors import UnconfirmedSubmission
from ensembler.submission.kaggle.facts import CompetitionFacts, Submission, SubmissionLimits
from ensembler.submission.kaggle.retry_policy import RetryPolicy
from ensembler.submission.kaggle.submissions import Kaggle

SLUG = "cats-and-dogs"
ZIP = archive({f"train/{number}.jpg": os.urandom(2000) for number in range(450)})
QUICK = RetryPolicy(read_timeout=5, first_pause=0.001, max_pause=0.001, max_attempts=3)
RULES = f"https://www.kaggle.com/competitions/{SLUG}/rules"


@pytest.fixture
def server(tmp_path):
    with KaggleServer({SLUG: ZIP}) as server, server.in_process(tmp_path):
        yield server


@pytest.fixture
def kaggle(server):
    return Kaggle.connect(QUICK)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "answer.csv"
    path.write_text("id,label\n1,0.5\n")
    return path


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
    assert parse_slug(text) == "dogs-vs-cats"


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
        parse_slug(text)


# Signing in


def test_sign_in_outlasts_passing_trouble(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_secret-token")
    taken = Answer(content={"active": True, "username": "somebody"})
    answers = [refusal(503, "Busy")] * 3 + [taken]
    server.fail("IntrospectToken", lambda request: answers.pop(0))
    assert Kaggle.connect(QUICK).username == "somebody"


def test_a_token_is_sent(server, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_secret-token")
    server.fail("IntrospectToken", Answer(content={"active": True, "username": "tester"}))
    server.fail("ListSubmissions", Answer(content={"submissions": []}))
    assert Kaggle.connect(QUICK).list_submissions(SLUG) == []
    assert server.requests[-1].headers["Authorization"] == "Bearer KGAT_secret-token"


def test_a_proxy_that_is_not_there(server, kaggle, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://me:secret-password@127.0.0.1:9")
    with said("HTTPS_PROXY"):
        kaggle.fetch_competition(SLUG)


def test_a_network_without_a_proxy(server, kaggle, monkeypatch):
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, server.url)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    server.fail("GetCompetition", None)
    with said("check the network and try again"):
        kaggle.fetch_competition(SLUG)


# What Kaggle tells of a competition


def test_facts(server, kaggle, capfd):
    assert kaggle.fetch_competition(SLUG) == CompetitionFacts(
        slug=SLUG,
        metric="Log Loss",
        deadline=datetime(2030, 1, 1, tzinfo=UTC),
        entry_deadline=None,
        daily_limit=5,
        entered=True,
        code_only=False,
        closed=False,
    )
    assert capfd.readouterr() == ("", "")


def test_facts_that_kaggle_leaves_out(server, kaggle):
    server.fail("GetCompetition", Answer(content={"ref": "x"}))
    assert kaggle.fetch_competition(SLUG) == CompetitionFacts(SLUG, "", None, None, 0, False, False, False)


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        ({"numToday": 1, "numTotal": 7, "numAllowedNow": 4, "limitedByTotal": False}, SubmissionLimits(1, 4, False)),
        ({"numToday": 5, "numTotal": 7, "limitedByTotal": True}, SubmissionLimits(5, 0, True)),
        ({}, None),
    ],
)
def test_limits(server, kaggle, told, limits):
    server.limits = told
    assert kaggle.fetch_limits(SLUG) == limits


@pytest.mark.parametrize("status", [403, 404])
def test_limits_that_kaggle_does_not_tell(server, kaggle, status):
    server.fail("GetSubmissionLimits", refusal(status, "No"))
    assert kaggle.fetch_limits(SLUG) is None


TROUBLE = {
    "429 with Retry-After": Answer(429, "", {"Retry-After": "0"}),
    "500": refusal(500, "Oops"),
    "502, not as JSON": Answer(502, "<html>Bad gateway</html>"),
    "hung up": None,
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize(
    ("method", "ask"),
    [
        ("GetCompetition", lambda kaggle, folder: kaggle.fetch_competition(SLUG)),
        ("GetSubmissionLimits", lambda kaggle, folder: kaggle.fetch_limits(SLUG)),
        ("ListSubmissions", lambda kaggle, folder: kaggle.list_submissions(SLUG)),
        ("ListDataFiles", lambda kaggle, folder: kaggle.download(SLUG, folder, Progress())),
        ("DownloadDataFiles", lambda kaggle, folder: kaggle.download(SLUG, folder, Progress())),
        ("GET", lambda kaggle, folder: kaggle.download(SLUG, folder, Progress())),
    ],
)
def test_questions_outlast_passing_trouble(server, kaggle, tmp_path, trouble, method, ask):
    server.fail(method, trouble, times=2)
    ask(kaggle, tmp_path / "raw")
    assert len(server.asked(method)) >= 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(401, "Invalid key"), ["the API key in KAGGLE_USERNAME and KAGGLE_KEY", "settings/api"]),
        (refusal(403, "You must accept this competition's rules"), [RULES]),
        (refusal(500, "Oops"), ["(500)", "few minutes"]),
        (Answer(429, "", {"Retry-After": "3600"}), ["in 3600 seconds"]),
        (None, ["at the proxy"]),
        (Answer(200, "<html>Welcome to our hotel</html>"), ["login page"]),
        (Answer(200, {"files": None, "submissions": 5}), ["pip install -U kaggle"]),
    ],
)
@pytest.mark.parametrize("method", ["ListDataFiles", "DownloadDataFiles"])
def test_refusals_of_a_download(server, kaggle, tmp_path, method, answer, words):
    if (
        method == "DownloadDataFiles"
        and answer is not None
        and isinstance(answer.content, dict)
        and answer.status == 200
    ):
        words = ["not a zip"]
    server.fail(method, answer)
    with said(*words):
        kaggle.download(SLUG, tmp_path / "raw", Progress())
    assert not list((tmp_path / "raw").glob("*"))


def test_a_list_that_is_null(server, kaggle):
    server.fail("ListSubmissions", Answer(content={"submissions": None}))
    with said("pip install -U kaggle"):
        kaggle.list_submissions(SLUG)


def test_a_stall_ends(server, kaggle):
    server.lull = 3.0
    began = time.monotonic()
    with said("did not answer in time"):
        dataclasses.replace(kaggle, retry_policy=dataclasses.replace(QUICK, read_timeout=0.05)).fetch_competition(SLUG)
    assert time.monotonic() - began < 2.5


# Who is not let in


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("slug", "near"),
    [("cat-and-dogs", [SLUG]), ("cats-vs-dogs", [SLUG]), ("cats-and-dogs-redux", [SLUG]), ("whales", [])],
)
def test_a_typo_names_what_was_understood_and_what_is_near(server, kaggle, tmp_path, status, slug, near):
    server.unknown = refusal(status, "Permission 'competitions.participate' was denied")
    for ask in (kaggle.fetch_competition, lambda slug: kaggle.download(slug, tmp_path / "raw", Progress())):
        with said(repr(slug), *[f"did you mean {name}?" for name in near], f"competitions/{slug}/rules") as caught:
            ask(slug)
        assert near or "did you mean" not in str(caught.value)
    assert not (tmp_path / "raw").exists()


DENIED = refusal(403, "Permission 'competitions.participate' was denied")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"userHasEntered": False}, ["join it", RULES]),
        ({"userHasEntered": True}, ["join it", RULES]),
        (
            {"userHasEntered": False, "newEntrantDeadline": "2026-01-01T00:00:00Z", "deadline": "2999-01-02T00:00:00Z"},
            ["no new entrants since 2026-01-01", "2999-01-02"],
        ),
    ],
)
def test_a_competition_that_does_not_let_us_in(server, kaggle, tmp_path, csv, facts, words):
    server.facts = facts
    server.fail("DownloadDataFiles", DENIED)
    server.fail("StartSubmissionUpload", DENIED)
    with said(SLUG, *words):
        kaggle.download(SLUG, tmp_path, Progress())
    with said(SLUG, *words):
        kaggle.submit(SLUG, csv, "m")


# Downloading


def test_download(server, kaggle, tmp_path, capfd):
    heard = Heard()
    path = kaggle.download(SLUG, tmp_path / "data" / "raw", heard)
    assert path == tmp_path / "data" / "raw" / f"{SLUG}.zip"
    assert path.read_bytes() == ZIP
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert (heard.totals, heard.steps, heard.finished) == ([len(ZIP)], len(ZIP), 1)
    assert len(server.asked("ListDataFiles")) == 3
    assert capfd.readouterr() == ("", "")


def test_a_connection_that_is_cut_every_64_kib(server, kaggle, tmp_path):
    server.cut = 1 << 16
    assert kaggle.download(SLUG, tmp_path, Progress()).read_bytes() == ZIP
    assert len(server.asked("GET")) >= len(ZIP) / server.cut
    assert server.sent <= len(ZIP) + len(server.asked("GET")) * CHUNK


def test_storage_that_fails_midway_leaves_no_wrong_bytes(server, kaggle, tmp_path):
    server.cut = 1 << 18
    page = Answer(500, "<html>" + "Sorry. " * 1000)
    answers = [None, page, page, None, page]

    def fail(request):
        answer = answers.pop(0) if answers else None
        return answer or server.answer(request)

    server.fail("GET", fail)
    assert kaggle.download(SLUG, tmp_path, Progress()).read_bytes() == ZIP


def test_another_run_goes_on(server, kaggle, tmp_path):
    server.cut = 1 << 18
    impatient = dataclasses.replace(kaggle, retry_policy=dataclasses.replace(QUICK, max_attempts=1))
    server.fail("DownloadDataFiles", lambda request: None if server.sent else server.answer(request))
    with said():
        impatient.download(SLUG, tmp_path, Progress())
    server.fail("DownloadDataFiles", server.answer)
    server.cut = None
    heard = Heard()
    assert kaggle.download(SLUG, tmp_path, heard).read_bytes() == ZIP
    assert heard.steps == len(ZIP)
    assert server.sent <= len(ZIP) + CHUNK


def test_a_process_of_its_own(server, tmp_path):
    script = (
        "import sys; from pathlib import Path\n"
        "from ensembler.progress import Progress\n"
        "from ensembler.submission.kaggle.submissions import Kaggle\n"
        "Kaggle.connect().download(sys.argv[1], Path(sys.argv[2]), Progress())"
    )
    command = [sys.executable, "-c", script, SLUG, str(tmp_path / "raw")]
    environment = os.environ | server.environment()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "raw" / f"{SLUG}.zip").read_bytes() == ZIP


def test_room_for_the_archive_and_its_files(server, kaggle, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "ensembler.submission.kaggle.competitions.require_space", lambda *request: asked.append(request)
    )
    server.competitions[SLUG] = archive({"photo.jpg": bytes(5_000_000)}, compressed=True)
    kaggle.download(SLUG, tmp_path, Progress())
    [(folder, needed, purpose)] = asked
    assert (folder, needed) == (tmp_path, len(server.competitions[SLUG]) + 5_000_000)
    assert SLUG in purpose


def test_too_many_files_to_list_are_taken_for_as_large_as_the_archive(server, kaggle, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "ensembler.submission.kaggle.competitions.require_space", lambda *request: asked.append(request[1])
    )
    server.competitions[SLUG] = archive({str(number): b"" for number in range(2001)})
    kaggle.download(SLUG, tmp_path, Progress())
    assert asked == [2 * len(server.competitions[SLUG])]


def test_the_disk_refuses(server, kaggle, tmp_path):
    (tmp_path / "file").touch()
    with said("file", kind=StorageError):
        kaggle.download(SLUG, tmp_path / "file" / "raw", Progress())


# Submitting


def test_submit_and_wait(server, kaggle, csv, capfd):
    server.pending_polls = 2
    ref = kaggle.submit(SLUG, csv, "stack, 0.05 at home")
    assert list(server.uploads.values()) == [csv.read_bytes()]
    assert server.submissions[0]["description"] == "stack, 0.05 at home"
    heard = Heard()
    seen = kaggle.wait_for_score(SLUG, ref, heard, timeout=10, interval=0.01)
    assert (seen.ref, seen.status, seen.public, seen.private) == (ref, "COMPLETE", 0.04, None)
    assert len(server.asked("GetSubmission")) == 3
    assert heard.finished == 1
    assert capfd.readouterr() == ("", "")


def test_all_submissions_are_listed_however_many(server, kaggle, csv):
    refs = [kaggle.submit(SLUG, csv, f"number {number}") for number in range(3)]
    server.submissions += [server.submissions[0] | {"ref": number} for number in range(1, 500)]
    server.pending_polls = 0
    listed = kaggle.list_submissions(SLUG)
    assert [each.ref for each in listed] == [*reversed(refs), *range(1, 500)]
    assert listed[0] == Submission(
        ref=refs[2],
        status="COMPLETE",
        public=0.04,
        when=datetime(2026, 1, 1, tzinfo=UTC),
        file_name="answer.csv",
        description="number 2",
        total_bytes=csv.stat().st_size,
    )


def test_time_is_up(server, kaggle, csv):
    server.pending_polls = 10_000
    ref = kaggle.submit(SLUG, csv, "slow")
    began = time.monotonic()
    seen = kaggle.wait_for_score(SLUG, ref, Progress(), timeout=0.1, interval=60)
    assert (seen.ref, seen.status, seen.public) == (ref, "PENDING", None)
    assert time.monotonic() - began < 5


def test_a_submission_that_is_not_known_yet_is_pending(server, kaggle, csv):
    ref = kaggle.submit(SLUG, csv, "m")
    server.fail("GetSubmission", refusal(404, "Submission not found"), times=2)
    assert kaggle.wait_for_score(SLUG, ref, Progress(), interval=0.01).status == "COMPLETE"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            "Evaluation Exception:\nSubmission must have 12500 rows.",
            "Evaluation Exception: Submission must have 12500 rows",
        ),
        ("", ""),
    ],
)
def test_kaggle_cannot_score_it(server, kaggle, csv, told, reason):
    server.outcome = {"status": "ERROR", "errorDescription": told}
    seen = kaggle.wait_for_score(SLUG, kaggle.submit(SLUG, csv, "bad"), Progress(), interval=0.01)
    assert (seen.status, seen.reason) == ("ERROR", reason)


@pytest.mark.parametrize(
    ("text", "number"), [("0.5", 0.5), ("", None), ("None", None), ("nan", None), ("-1e3", -1000.0)]
)
def test_scores_are_numbers_or_nothing(server, kaggle, csv, text, number):
    server.outcome = {"status": "COMPLETE", "publicScore": text, "privateScore": text}
    seen = kaggle.wait_for_score(SLUG, kaggle.submit(SLUG, csv, "m"), Progress(), interval=0.01)
    assert (seen.public, seen.private) == (number, number)


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_trouble_while_waiting_passes(server, kaggle, csv, trouble):
    ref = kaggle.submit(SLUG, csv, "m")
    server.fail("GetSubmission", trouble, times=2)
    heard = Heard()
    assert kaggle.wait_for_score(SLUG, ref, heard, interval=0.01).status == "COMPLETE"
    assert len(heard.notes) == 1
    assert len(server.asked("GetSubmission")) >= 3


def test_while_waiting_kaggle_gets_the_pause_that_it_asks_for(server, kaggle, csv):
    ref = kaggle.submit(SLUG, csv, "m")
    server.pending_polls = 0
    server.fail("GetSubmission", Answer(429, "", {"Retry-After": "1"}), times=1)
    began = time.monotonic()
    assert kaggle.wait_for_score(SLUG, ref, Progress(), interval=0.01).status == "COMPLETE"
    assert time.monotonic() - began >= 1


def test_waiting_ends_when_kaggle_refuses(server, kaggle):
    server.fail("GetSubmission", refusal(401, "No"))
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


def test_our_key_in_kaggles_words_is_not_shown(server, kaggle, csv):
    server.fail("CreateSubmission", Answer(content={"message": f"Who is {KEY}?", "ref": 0}))
    with said("Who is ***?;"):
        kaggle.submit(SLUG, csv, "m")


@pytest.mark.parametrize("method", ["StartSubmissionUpload", "CreateSubmission"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(400, "Your team has used its daily\n submissions (5)."), ["used its daily submissions (5);", SLUG]),
        (refusal(400, "This competition only accepts submissions from notebooks."), ["only accepts", "notebooks"]),
        (refusal(400, "The deadline is over"), ["The deadline is over"]),
        (Answer(200, {"code": 400, "message": "Too late"}), ["(400)", "Too late"]),
        (refusal(403, "You must accept this competition's rules"), [RULES]),
        (refusal(401, "No"), ["KAGGLE_USERNAME and KAGGLE_KEY"]),
    ],
)
def test_submission_is_refused(server, kaggle, csv, method, answer, words):
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


@pytest.mark.parametrize("name", ["my  answer ", "my answer"])
def test_a_description_is_found_however_kaggle_has_its_blanks(server, kaggle, csv, name):
    def normalise(request):
        server.answer(request)
        server.submissions[0]["description"] = "my answer"

    server.fail("CreateSubmission", normalise)
    assert kaggle.submit(SLUG, csv, name) == server.submissions[0]["ref"]


def test_a_request_that_is_not_in_the_list_yet_may_count_all_the_same(server, kaggle, csv):
    kaggle.submit(SLUG, csv, "another")
    server.fail("CreateSubmission", None)
    with said("may count all the same", "ensembler submissions", kind=UnconfirmedSubmission):
        kaggle.submit(SLUG, csv, "unique")


@pytest.mark.parametrize("method", ["StartSubmissionUpload", "CreateSubmission"])
def test_too_many_requests_surely_submit_nothing(server, kaggle, csv, method):
    server.fail(method, Answer(429, "", {"Retry-After": "30"}))
    with said("Nothing was submitted", "in 30 seconds") as caught:
        kaggle.submit(SLUG, csv, "unique")
    assert not isinstance(caught.value, UnconfirmedSubmission)
    assert not server.asked("ListSubmissions")


def test_trouble_before_the_request_surely_submits_nothing(server, kaggle, csv):
    server.fail("StartSubmissionUpload", None)
    with said("Nothing was submitted"):
        kaggle.submit(SLUG, csv, "unique")


def test_an_odd_number_for_a_submission(server, kaggle, csv):
    server.fail("CreateSubmission", Answer(content={"message": "Done", "ref": "many"}))
    with said("pip install -U kaggle"):
        kaggle.submit(SLUG, csv, "unique")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407])
def test_what_the_storage_refuses_is_not_taken_for_kaggles_word(server, kaggle, tmp_path, status):
    server.fail("GET", Answer(status, "<html>No, by the rules of our firewall</html>"))
    with said("storage", f"({status})", "another network") as caught:
        kaggle.download(SLUG, tmp_path, Progress())
    assert "rules" not in str(caught.value)
    assert len(server.asked("GET")) == QUICK.max_attempts


def test_a_login_page_does_not_cost_what_came_already(server, kaggle, tmp_path):
    server.cut = 1 << 18
    pages = iter([None])
    server.fail("GET", lambda request: next(pages, Answer(200, "<html>Hello</html>")) or server.answer(request))
    with said("login page"):
        kaggle.download(SLUG, tmp_path, Progress())
    assert (tmp_path / f"{SLUG}.zip.part").stat().st_size >= server.cut - CHUNK
    server.fail("GET", server.answer)
    server.cut = None
    assert kaggle.download(SLUG, tmp_path, Progress()).read_bytes() == ZIP
    assert server.sent <= len(ZIP) + 2 * CHUNK


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
