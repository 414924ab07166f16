from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from helpers.kaggle_server import KEY, Answer, refusal, said
from helpers.kaggle_setup import RULES, SLUG, TROUBLE
from helpers.photos import Heard

from ensembler.errors import BadData
from ensembler.progress import Progress
from ensembler.submission.kaggle.errors import UnconfirmedSubmission
from ensembler.submission.kaggle.facts import Submission
from ensembler.submission.kaggle.polling import PollingPolicy

QUICK_POLLING = PollingPolicy(600, 0.01, 0.01)

# Submitting


def test_submit_and_wait(server, kaggle, csv, capfd):
    server.pending_polls = 2
    ref = kaggle.submit(SLUG, csv, "stack, 0.05 at home")
    assert list(server.uploads.values()) == [csv.read_bytes()]
    assert server.submissions[0]["description"] == "stack, 0.05 at home"
    heard = Heard()
    seen = kaggle.wait_for_score(SLUG, ref, heard, PollingPolicy(10, 0.01, 0.01))
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
    seen = kaggle.wait_for_score(SLUG, ref, Progress(), PollingPolicy(0.1, 60, 60))
    assert (seen.ref, seen.status, seen.public) == (ref, "PENDING", None)
    assert time.monotonic() - began < 5


def test_a_submission_that_is_not_known_yet_is_pending(server, kaggle, csv):
    ref = kaggle.submit(SLUG, csv, "m")
    server.fail("GetSubmission", refusal(404, "Submission not found"), times=2)
    assert kaggle.wait_for_score(SLUG, ref, Progress(), QUICK_POLLING).status == "COMPLETE"


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
    seen = kaggle.wait_for_score(SLUG, kaggle.submit(SLUG, csv, "bad"), Progress(), QUICK_POLLING)
    assert (seen.status, seen.reason) == ("ERROR", reason)


@pytest.mark.parametrize(
    ("text", "number"), [("0.5", 0.5), ("", None), ("None", None), ("nan", None), ("-1e3", -1000.0)]
)
def test_scores_are_numbers_or_nothing(server, kaggle, csv, text, number):
    server.outcome = {"status": "COMPLETE", "publicScore": text, "privateScore": text}
    seen = kaggle.wait_for_score(SLUG, kaggle.submit(SLUG, csv, "m"), Progress(), QUICK_POLLING)
    assert (seen.public, seen.private) == (number, number)


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_trouble_while_waiting_passes(server, kaggle, csv, trouble):
    ref = kaggle.submit(SLUG, csv, "m")
    server.fail("GetSubmission", trouble, times=2)
    heard = Heard()
    assert kaggle.wait_for_score(SLUG, ref, heard, QUICK_POLLING).status == "COMPLETE"
    assert len(heard.notes) == 1
    assert len(server.asked("GetSubmission")) >= 3


def test_while_waiting_kaggle_gets_the_pause_that_it_asks_for(server, kaggle, csv):
    ref = kaggle.submit(SLUG, csv, "m")
    server.pending_polls = 0
    server.fail("GetSubmission", Answer(429, "", {"Retry-After": "1"}), times=1)
    began = time.monotonic()
    assert kaggle.wait_for_score(SLUG, ref, Progress(), QUICK_POLLING).status == "COMPLETE"
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
    with said("may still count", "ensembler.submissions()", kind=UnconfirmedSubmission):
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


def test_nobody_knows_whether_it_counts(server, kaggle, csv):
    server.fail("CreateSubmission", server.lose_reply)
    server.fail("ListSubmissions", None)
    with said("may still count", f"https://www.kaggle.com/competitions/{SLUG}/submissions"):
        kaggle.submit(SLUG, csv, "unique")


@pytest.mark.parametrize("content", [b"", None])
def test_nothing_to_submit(server, kaggle, tmp_path, content):
    path = tmp_path / "empty.csv"
    if content is not None:
        path.write_bytes(content)
    with said("empty.csv", kind=BadData):
        kaggle.submit(SLUG, path, "m")
    assert not server.asked("StartSubmissionUpload")
