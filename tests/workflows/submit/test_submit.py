"""From Kaggle and back, by the real client and a local server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from helpers.kaggle_server import KEY, SIGNATURE, Answer, KaggleServer, archive, refusal, said
from helpers.photos import Heard, photo_bytes

from ensembler.errors import BadChoice, BadData, InvalidSubmission
from ensembler.storage import compute_file_digest
from ensembler.submission.kaggle.retry_policy import RetryPolicy
from ensembler.submission.ledger.ledger import Ledger
from ensembler.submission.ledger.rows import Answer as Made
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch
from ensembler.workflows.submit import submit as submitting
from ensembler.workflows.submit.submit import submit

SLUG = "dogs-vs-cats-tiny"
GOOD = "id,label\n1,0.25\n2,0.5\n3,0.75\n"


@pytest.fixture(scope="module")
def competition():
    """A competition in the layout of dogs-vs-cats-redux: zips in a zip, labels in file names."""
    train = {f"train/{name}.{n}.jpg": photo_bytes(n, ".jpg") for n, name in enumerate(("cat", "dog") * 6)}
    test = {f"test/{n}.jpg": photo_bytes(100 + n, ".jpg") for n in range(1, 4)}
    sample = "id,label\n" + "".join(f"{n},0.5\n" for n in range(1, 4))
    return archive({"train.zip": archive(train), "test.zip": archive(test), "sample_submission.csv": sample.encode()})


@pytest.fixture
def kaggle(competition, tmp_path):
    with KaggleServer({SLUG: competition}) as server, server.in_process(tmp_path / "home"):
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(submitting, "DEFAULT_RETRIES", RetryPolicy(first_pause=0.01, max_pause=0.01))


@pytest.fixture
def fetched(kaggle, workspace):
    got = fetch(f"https://www.kaggle.com/competitions/{SLUG}/data", workspace=workspace)
    assert (got.training, got.test, got.unreadable) == (12, 3, 0)
    assert got.manifest.classes == ("cat", "dog")
    kaggle.requests.clear()
    return workspace


def write_answer(workspace, content=GOOD, name="20260101-000000-b0"):
    path = workspace.submissions / SLUG / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def statuses(workspace):
    return [row.status for row in Ledger(workspace.submissions).list_rows()]


def test_the_newest_csv_is_uploaded_as_it_is_and_its_public_score_told(fetched, kaggle):
    csv = write_answer(fetched)
    heard = Heard()
    done = submit(workspace=fetched, message=" first  try ", progress=heard)
    assert (done.status, done.public, done.private, done.submission, done.slug) == ("COMPLETE", 0.04, None, csv, SLUG)
    assert list(kaggle.uploads.values()) == [csv.read_bytes()]
    assert kaggle.submissions[0]["description"] == done.description
    assert done.description.startswith("first try [20260101-000000-b0 ")
    assert "4 submissions left today, 1 made." in heard.notes
    [row] = Ledger(fetched.submissions).list_rows()
    assert (row.metric, row.larger_is_better, row.source) == ("", None, "by hand")
    assert (row.ref, row.status, row.public, row.path, row.description) == (
        done.ref,
        "COMPLETE",
        0.04,
        csv,
        done.description,
    )


def test_fields_are_what_json_can_hold(fetched):
    csv = write_answer(fetched)
    fields = submit(workspace=fetched, wait=False).to_json()
    assert fields.pop("description").startswith("[20260101-000000-b0 ")
    assert fields == {
        "submission": str(csv),
        "slug": SLUG,
        "ref": 1001,
        "status": "PENDING",
        "public": None,
        "private": None,
    }


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("id,label\n1,0.25\n3,0.5\n2,0.75\n", 1),
        ("id,label\n1,0.25\n2,\n3,0.75\n", 1),
        ("id,dog\n1,0.2\n2,0.5\n3,0.7\n", 2),
        ("id,label\n1,7\n2,x\n2,0.5\n", 4),
    ],
)
def test_what_the_sample_does_not_ask_for_costs_no_question(content, problems, fetched, kaggle):
    write_answer(fetched, content)
    with pytest.raises(InvalidSubmission) as caught:
        submit(workspace=fetched)
    assert len(caught.value.problems) == problems
    assert kaggle.requests == []
    assert statuses(fetched) == []


def test_a_dry_run_does_all_but_the_upload(fetched, kaggle):
    write_answer(fetched)
    done = submit(workspace=fetched, dry_run=True)
    assert (done.ref, done.status) == (None, "DRY RUN")
    assert {request.method for request in kaggle.requests} >= {"GetCompetition", "GetSubmissionLimits"}
    assert not kaggle.asked("StartSubmissionUpload")
    assert statuses(fetched) == []


@pytest.mark.parametrize(
    ("facts", "limits", "words"),
    [
        ({"submissionsDisabled": True}, {}, ["accepts no submissions"]),
        ({"isKernelsSubmissionsOnly": True}, {}, ["ensembler.notebook"]),
        ({"userHasEntered": False}, {}, ["not joined", f"competitions/{SLUG}/rules"]),
        ({}, {"numToday": 5, "numTotal": 9}, ["used up (5 made)", "midnight UTC"]),
        ({}, {"numTotal": 9, "limitedByTotal": True}, ["are used up"]),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_kaggle_would_refuse_is_not_uploaded(fetched, kaggle, facts, limits, words, dry_run):
    write_answer(fetched)
    kaggle.facts = facts
    kaggle.limits = limits or kaggle.limits
    with said(SLUG, *words):
        submit(workspace=fetched, dry_run=dry_run)
    assert not kaggle.asked("StartSubmissionUpload")


def test_after_the_deadline_it_is_told_that_it_is_late(fetched, kaggle):
    write_answer(fetched)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    kaggle.facts = {"deadline": yesterday.strftime("%Y-%m-%dT%H:%M:%SZ")}
    heard = Heard()
    submit(workspace=fetched, progress=heard)
    assert any("deadline was" in note and "not ranked" in note for note in heard.notes)


def test_the_same_bytes_are_not_submitted_twice(fetched, kaggle):
    first = submit(write_answer(fetched), workspace=fetched)
    copy = write_answer(fetched, name="copy")
    for dry_run in (False, True):
        with pytest.raises(BadChoice, match=rf"submission {first.ref} .*public score 0\.04.*again=True"):
            submit(copy, workspace=fetched, dry_run=dry_run)
    assert len(kaggle.submissions) == 1
    again = submit(copy, workspace=fetched, again=True)
    assert again.ref != first.ref
    assert again.description != first.description
    assert statuses(fetched) == ["COMPLETE", "COMPLETE"]


def test_bytes_that_were_uploaded_by_hand_are_known(fetched, kaggle):
    """The browser's upload has no description of ours, but the file's name and size."""
    csv = write_answer(fetched)
    made = Made(SLUG, csv, compute_file_digest(csv), csv.stat().st_size, slug=SLUG, stack="b0")
    Ledger(fetched.submissions).record(made)
    submit(write_answer(fetched, GOOD.replace("0.75", "0.7"), "other"), workspace=fetched)
    by_hand = {"ref": 8, "description": "", "fileName": csv.name, "totalBytes": csv.stat().st_size}
    kaggle.submissions.insert(0, kaggle.submissions[0] | by_hand)
    with pytest.raises(BadChoice, match="submission 8"):
        submit(csv, workspace=fetched, dry_run=True)


def test_without_waiting_the_score_comes_later(fetched, kaggle):
    csv = write_answer(fetched)
    done = submit(csv, workspace=fetched, wait=False)
    assert (done.status, done.public) == ("PENDING", None)
    assert not kaggle.asked("GetSubmission")
    assert statuses(fetched) == ["PENDING"]


def test_kaggle_cannot_score_it(fetched, kaggle):
    write_answer(fetched)
    kaggle.outcome = {"status": "ERROR", "errorDescription": "Submission must have\n 12500 rows."}
    with said("must have 12500 rows;", f"competitions/{SLUG}/submissions"):
        submit(workspace=fetched)
    [row] = Ledger(fetched.submissions).list_rows()
    assert (row.status, row.reason) == ("ERROR", "Submission must have 12500 rows")


@pytest.mark.parametrize(
    ("method", "trouble", "words"),
    [
        ("PUT", Answer(400, "No"), ["The upload to", "nothing was submitted"]),
        ("StartSubmissionUpload", refusal(400, "Daily limit (5)"), ["Daily limit (5)"]),
        ("CreateSubmission", refusal(400, "Daily limit (5)"), ["Daily limit (5)"]),
        ("CreateSubmission", Answer(content={"message": "Not today", "ref": 0}), ["Not today"]),
    ],
)
def test_an_upload_that_fails_is_an_error_and_can_be_made_again(fetched, kaggle, method, trouble, words):
    write_answer(fetched)
    kaggle.fail(method, trouble, times=1)
    with said(*words):
        submit(workspace=fetched)
    assert statuses(fetched) == ["FAILED"]
    assert submit(workspace=fetched).status == "COMPLETE"


def test_a_lost_reply_is_looked_up_and_nothing_sent_twice(fetched, kaggle):
    write_answer(fetched)
    kaggle.fail("CreateSubmission", kaggle.lose_reply)
    done = submit(workspace=fetched)
    assert (done.ref, done.status) == (kaggle.submissions[0]["ref"], "COMPLETE")
    assert len(kaggle.submissions) == len(kaggle.asked("CreateSubmission")) == 1


def test_an_upload_of_unknown_end_is_found_by_its_description_later(fetched, kaggle):
    csv = write_answer(fetched)

    def hang_up_for_good(request):
        kaggle.answer(request)
        kaggle.fail("ListSubmissions", None)

    kaggle.fail("CreateSubmission", hang_up_for_good)
    with said("may still count"):
        submit(csv, workspace=fetched)
    assert statuses(fetched) == ["UPLOADING"]
    kaggle.fail("ListSubmissions", kaggle.answer)
    with pytest.raises(BadChoice, match="submission 1001"):
        submit(csv, workspace=fetched)
    assert [row.ref for row in Ledger(fetched.submissions).list_rows()] == [1001]


def test_no_secret_is_written_anywhere(fetched, kaggle):
    write_answer(fetched)
    kaggle.fail("CreateSubmission", refusal(400, f"Who is {KEY}?"), times=1)
    with said("Who is ***?"):
        submit(workspace=fetched)
    submit(workspace=fetched)
    for path in [*fetched.data.rglob("*"), *fetched.submissions.rglob("*")]:
        content = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in content for secret in (KEY, SIGNATURE)), path


def test_an_empty_file_is_no_submission(fetched, kaggle):
    with pytest.raises(BadData, match=r"Cannot read .*as a table"):
        submit(write_answer(fetched, ""), workspace=fetched)
    assert kaggle.requests == []


def test_a_local_competition_is_not_submitted(workspace, tmp_path):
    for n in range(20):
        path = tmp_path / "photos" / ("ab"[n % 2]) / f"{n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo_bytes(n, ".jpg"))
    adopt(tmp_path / "photos", "local", workspace=workspace)
    with pytest.raises(BadChoice, match=r"ensembler\.score"):
        submit(workspace=workspace)
