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
from helpers.kaggle_server import Answer, archive, refusal, said
from helpers.kaggle_setup import QUICK, RULES, SLUG, TROUBLE, ZIP
from helpers.photos import Heard

from ensembler.errors import BadChoice, StorageError
from ensembler.progress import Progress
from ensembler.submission.kaggle.competitions import parse_slug
from ensembler.submission.kaggle.download import CHUNK
from ensembler.submission.kaggle.facts import CompetitionFacts, SubmissionLimits

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
    with said("did not respond in time"):
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


def test_the_servers_archive_is_sound():
    with zipfile.ZipFile(io.BytesIO(ZIP)) as reader:
        assert reader.testzip() is None
