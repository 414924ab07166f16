from __future__ import annotations

import os
import random
import shutil
import time

import pytest
from helpers.kaggle_server import Answer, KaggleServer, refusal, said
from helpers.kills import UNDER_WAY, Fetches, asked_again, there, tree
from helpers.photos import Heard, photo_bytes, write_photos, zip_bytes

from ensembler.competition.layout.hints import Hints
from ensembler.errors import BadChoice, BadData, Busy, DamagedArchive, MissingHint, StorageError
from ensembler.locks import hold_lock
from ensembler.submission.kaggle.download import CHUNK
from ensembler.submission.kaggle.retry_policy import RetryPolicy
from ensembler.workflows.fetch import fetch as fetching
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch

SLUG = "dogs-vs-cats-mini"


def competition(photos=20, size=(20, 16)):
    """The zip of a small competition of photos."""
    names = [f"train/{'cat' if number % 2 else 'dog'}.{number}.jpg" for number in range(photos)]
    names += [f"test/{number}.jpg" for number in range(1, 6)]
    members = {name: photo_bytes(number, size=size) for number, name in enumerate(names)}
    sample = "id,label\n" + "".join(f"{number},0.5\n" for number in range(1, 6))
    return zip_bytes({**members, "sample_submission.csv": sample})


def photo_zip(*kinds):
    """The zip of another competition, of two kinds of photos."""
    members = {f"train/{kinds[number % 2]}.{number}.jpg": photo_bytes(number) for number in range(20)}
    return zip_bytes({**members, "test/1.jpg": photo_bytes(99), "sample_submission.csv": "id,label\n1,0.5\n"})


ZIP = competition()


@pytest.fixture
def server(tmp_path):
    with KaggleServer({SLUG: ZIP}) as server, server.in_process(tmp_path / "home"):
        yield server


@pytest.fixture
def folder(workspace):
    return workspace.competition(SLUG)


def test_what_lies_there_after_a_fetch(server, workspace, folder):
    fetched = fetch(SLUG, workspace=workspace)
    assert (fetched.training, fetched.test, fetched.unreadable) == (20, 5, 0)
    assert sorted(path.name for path in folder.raw.iterdir()) == [
        f"{SLUG}.zip",
        f"{SLUG}.zip.sha256",
        "extracted",
        "kaggle.json",
    ]


def test_a_second_fetch_asks_nothing_and_does_nothing(server, workspace, folder):
    fetch(SLUG, workspace=workspace)
    before, asked = tree(folder.root), len(server.requests)
    times = {path: path.stat().st_mtime_ns for path in folder.root.rglob("*")}
    began = time.monotonic()
    fetch(SLUG, workspace=workspace)
    assert time.monotonic() - began < 1
    assert len(server.requests) == asked
    assert tree(folder.root) == before
    assert {path: path.stat().st_mtime_ns for path in folder.root.rglob("*")} == times


def test_force_starts_anew(server, workspace, folder):
    fetch(SLUG, workspace=workspace)
    server.competitions[SLUG] = competition(photos=30)
    (folder.raw / f"{SLUG}.zip.part").write_bytes(b"PK of another time")
    assert fetch(SLUG, force=True, workspace=workspace).training == 30
    assert folder.archive.read_bytes() == server.competitions[SLUG]


@pytest.mark.parametrize(
    ("metric_on_kaggle", "metric"),
    [("Log Loss", "log loss"), ("AUC", "roc auc"), ("Area Under Receiver Operating Characteristic Curve", "roc auc")],
)
def test_the_metric_is_kaggles(server, workspace, metric_on_kaggle, metric):
    server.facts = {"evaluationMetric": metric_on_kaggle, "isKernelsSubmissionsOnly": metric == "roc auc"}
    manifest = fetch(SLUG, workspace=workspace).manifest
    assert (manifest.metric, manifest.code_only) == (metric, metric == "roc auc")


def test_a_metric_that_is_not_known_here_is_told(server, workspace):
    server.facts = {"evaluationMetric": "Weighted Whale Score"}
    heard = Heard()
    assert fetch(SLUG, workspace=workspace, progress=heard).manifest.metric == "log loss"
    [warning] = heard.warnings
    assert "'Weighted Whale Score'" in warning
    assert "Hints(metric=...)" in warning


def test_what_cannot_be_answered_is_not_downloaded(server, workspace, folder):
    server.facts = {"evaluationMetric": "Root Mean Squared Error"}
    with pytest.raises(BadData, match=r"Root Mean Squared Error.* regression"):
        fetch(SLUG, workspace=workspace)
    assert not server.asked("GET")
    assert not folder.root.exists()
    assert fetch(SLUG, hints=Hints(metric="log loss"), workspace=workspace).manifest.metric == "log loss"


def test_what_kaggle_told_is_kept_for_a_layout_that_is_found_out_anew(server, workspace, folder):
    server.facts = {"evaluationMetric": "AUC"}
    fetch(SLUG, workspace=workspace)
    folder.manifest.unlink()
    asked = len(server.requests)
    assert fetch(SLUG, workspace=workspace).manifest.metric == "roc auc"
    assert len(server.requests) == asked


def spoilt(content):
    """The same size, with wrong bytes in a photo."""
    middle = len(content) // 2
    return content[:middle] + bytes(64) + content[middle + 64 :]


def test_only_a_broken_archive_is_fetched_again(server, workspace, folder):
    right = tree(fetch(SLUG, workspace=workspace).folder.root)
    server.requests.clear()
    folder.archive.write_bytes(spoilt(ZIP))
    folder.digest.unlink()
    for path in sorted(folder.extracted.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.extracted.rmdir()
    heard = Heard()
    fetch(SLUG, workspace=workspace, progress=heard)
    assert tree(folder.root) == right
    assert len(server.asked("GET")) == 1
    assert any("damaged" in warning and "again" in warning for warning in heard.warnings)


def test_an_archive_that_is_broken_at_kaggle_is_fetched_twice_only(server, workspace, folder):
    server.competitions[SLUG] = spoilt(ZIP)
    with pytest.raises(DamagedArchive):
        fetch(SLUG, workspace=workspace)
    assert len(server.asked("GET")) == 2
    assert not folder.archive.exists()
    assert not folder.extracted.exists()


def test_a_zip_of_the_browsers_that_is_broken_stays_where_it_is(workspace, folder, tmp_path):
    browsers = tmp_path / "mine.zip"
    browsers.write_bytes(spoilt(ZIP))
    with pytest.raises(DamagedArchive):
        fetch(SLUG, archive=browsers, workspace=workspace)
    assert browsers.exists()
    assert not folder.archive.exists()


def test_the_unpacked_size_is_limited_in_gigabytes(workspace, tmp_path):
    archive = tmp_path / "mine.zip"
    archive.write_bytes(ZIP)
    with pytest.raises(BadData, match=r"unpacks to more than 1e-05 GB in all.* unpack_limit; 0 sets no limit"):
        fetch(SLUG, archive=archive, unpack_limit=1e-5, workspace=workspace)
    assert fetch(SLUG, archive=archive, unpack_limit=1, workspace=workspace).training == 20


@pytest.mark.parametrize(
    ("facts", "answer", "words"),
    [
        ({}, refusal(401, "No"), ["KAGGLE_USERNAME and KAGGLE_KEY"]),
        ({}, refusal(403, "You must accept this competition's rules"), [f"competitions/{SLUG}/rules"]),
        ({}, refusal(404, "Not found"), [f"competitions/{SLUG}/rules"]),
        ({}, Answer(200, "<html>Welcome to our hotel</html>"), ["login page"]),
    ],
)
def test_a_refused_fetch_leaves_nothing_half_done(server, workspace, folder, facts, answer, words):
    server.facts = facts
    server.fail("DownloadDataFiles", answer)
    with said(*words):
        fetch(SLUG, workspace=workspace)
    assert not folder.archive.exists()
    assert not folder.extracted.exists()
    assert workspace.competitions() == []


def test_a_typo_makes_no_folder(server, workspace):
    with said("'dogs-vs-cats-mimi'", f"did you mean {SLUG}?"):
        fetch("dogs-vs-cats-mimi", workspace=workspace)
    assert [path.name for path in workspace.data.iterdir() if not path.name.startswith(".")] == []


def test_names_beyond_ascii(workspace, tmp_path):
    photos = {f"Fotos/{kind}/{name}": 0 for kind in ("größe", "日本") for name in ("ä 1.jpg", "ö.jpg", "é.jpg")}
    members = {name: photo_bytes(number) for number, name in enumerate(photos)}
    sample = "Bild,größe,日本\nü.jpg,0.5,0.5\n"
    archive = tmp_path / "ü.zip"
    archive.write_bytes(zip_bytes({**members, "test/ü.jpg": photo_bytes(9), "Beispiel_sample_submission.csv": sample}))
    fetched = fetch("grosse", archive=archive, workspace=workspace)
    assert (fetched.manifest.classes, fetched.training, fetched.test) == (("größe", "日本"), 6, 1)
    assert "日本" in (fetched.folder.train).read_text("utf-8")


def test_what_other_machines_left_half_written_is_swept_where_only_we_may_write(server, workspace, folder):
    for place in (folder.root, folder.raw):
        (place / ".writing-00000000-1-elsewhere" / "new").mkdir(parents=True)
    fetch(SLUG, workspace=workspace)
    assert not list(folder.raw.glob(".writing-*"))
    # Members are trained beside, by others perhaps.
    assert len(list(folder.root.glob(".writing-*"))) == 1


def test_two_at_once(server, workspace):
    with hold_lock(workspace.competition(SLUG).lock("fetch"), SLUG), pytest.raises(Busy, match=SLUG):
        fetch(SLUG, workspace=workspace)
    assert server.requests == []


def test_a_storage_that_stalls_midway_is_left_and_asked_again(server, workspace, folder, monkeypatch):
    server.competitions[SLUG] = content = competition(photos=60, size=(200, 160))
    server.stall = 1 << 18
    monkeypatch.setattr(fetching, "DEFAULT_RETRIES", RetryPolicy(first_pause=0.01))
    began = time.monotonic()
    fetch(SLUG, timeout=0.2, workspace=workspace)
    assert time.monotonic() - began < 10
    assert folder.archive.read_bytes() == content
    assert len(server.asked("GET")) >= len(content) // server.stall


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.slow
def test_a_dozen_kills_at_random_moments(server, workspace, tmp_path):
    server.competitions[SLUG] = content = competition(photos=60, size=(200, 160))
    server.piece, server.pause = 1 << 13, 0.4 / (len(content) / (1 << 13))
    random.seed(7)
    with Fetches.started(os.environ | server.environment()) as fetches:
        began = time.monotonic()
        assert fetches.run(SLUG, tmp_path / "unbroken")
        whole = time.monotonic() - began
        right = tree(tmp_path / "unbroken" / "data" / SLUG)
        kills = attempt = 0
        while kills < 12:
            attempt += 1
            root = tmp_path / str(attempt)
            kept, done, server.sent, here = 0, False, 0, 0
            while not done:
                server.requests.clear()
                done = fetches.run(SLUG, root, random.uniform(0, whole))
                # Not a byte that was kept comes twice; what was under way as the process died is lost.
                assert asked_again(server.requests, kept) <= 0
                kept = there(root / "data" / SLUG / "raw")
                here += not done
            assert tree(root / "data" / SLUG) == right
            assert len(content) <= server.sent <= len(content) + here * (CHUNK + UNDER_WAY)
            kills += here


@pytest.mark.parametrize("force", [False, True])
def test_the_archive_itself_may_be_named_by_from(workspace, folder, tmp_path, force):
    mine = tmp_path / "mine.zip"
    mine.write_bytes(ZIP)
    fetch(SLUG, archive=mine, workspace=workspace)
    assert fetch(SLUG, archive=folder.archive, force=force, workspace=workspace).training == 20
    assert folder.archive.read_bytes() == ZIP


def test_a_broken_zip_does_not_cost_the_good_one(workspace, folder, tmp_path):
    good, broken = tmp_path / "good.zip", tmp_path / "broken.zip"
    good.write_bytes(ZIP)
    broken.write_bytes(spoilt(ZIP))
    fetch(SLUG, archive=good, workspace=workspace)
    with pytest.raises(DamagedArchive, match=r"broken\.zip"):
        fetch(SLUG, archive=broken, force=True, workspace=workspace)
    assert folder.archive.read_bytes() == ZIP
    assert fetch(SLUG, archive=good, workspace=workspace).training == 20


@pytest.mark.parametrize("trouble", [refusal(401, "No"), refusal(403, "You must accept this competition's rules")])
def test_what_was_there_outlasts_a_forced_fetch_that_is_refused(server, workspace, folder, trouble):
    fetch(SLUG, workspace=workspace)
    before = tree(folder.raw)
    server.fail("GetCompetition", trouble)
    with said():
        fetch(SLUG, force=True, workspace=workspace)
    assert tree(folder.raw) == before
    assert fetch(SLUG, workspace=workspace).training == 20


def test_a_forced_fetch_that_was_cut_off_goes_on_without_force(server, workspace, folder, monkeypatch):
    fetch(SLUG, workspace=workspace)
    server.competitions[SLUG] = newer = competition(photos=60, size=(200, 160))
    server.cut, server.sent = 1 << 17, 0
    monkeypatch.setattr(fetching, "DEFAULT_RETRIES", RetryPolicy(max_attempts=1))
    server.fail("DownloadDataFiles", lambda request: None if server.sent else server.answer(request))
    with said():
        fetch(SLUG, force=True, workspace=workspace)
    assert folder.archive.read_bytes() == ZIP
    server.fail("DownloadDataFiles", server.answer)
    server.cut = None
    assert fetch(SLUG, workspace=workspace).training == 60
    assert folder.archive.read_bytes() == newer
    assert server.sent <= len(newer) + CHUNK
    assert not folder.renewing.exists()


def test_an_adopted_folder_is_not_taken_for_the_competition_of_its_name(server, workspace, tmp_path):
    write_photos(tmp_path / "photos", *[f"{kind}/{number}.jpg" for kind in ("apple", "pear") for number in range(10)])
    adopt(tmp_path / "photos", SLUG, workspace=workspace)
    with pytest.raises(BadChoice, match=r"was created from .*photos.*force=True"):
        fetch(SLUG, workspace=workspace)
    assert server.requests == []
    fetched = fetch(SLUG, force=True, workspace=workspace)
    assert fetched.manifest.classes == ("cat", "dog")
    assert not fetched.folder.is_ours


def test_a_later_answer_keeps_the_former_ones(server, workspace):
    fetch(SLUG, hints=Hints(positive="cat"), workspace=workspace)
    manifest = fetch(SLUG, hints=Hints(metric="roc auc"), workspace=workspace).manifest
    assert (manifest.classes, manifest.metric) == (("dog", "cat"), "roc auc")
    manifest = fetch(SLUG, force=True, workspace=workspace).manifest
    assert (manifest.classes, manifest.metric) == (("cat", "dog"), "log loss")


def killed(*arguments, **options):
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["extract_archive", "detect_layout", "_remove_former_files"])
@pytest.mark.parametrize("force", [False, True])
def test_a_forced_fetch_that_was_killed_after_the_download_downloads_nothing_again(
    server, workspace, folder, monkeypatch, step, force
):
    fetch(SLUG, hints=Hints(positive="cat"), workspace=workspace)
    renamed = photo_zip("ant", "bee")
    server.competitions[SLUG] = renamed
    server.requests.clear()
    with monkeypatch.context() as patch:
        patch.setattr(fetching, step, killed)
        with pytest.raises(KeyboardInterrupt):
            fetch(SLUG, hints=Hints(positive="bee"), force=True, workspace=workspace)
    again = fetch(SLUG, hints=Hints(positive="bee"), force=force, workspace=workspace)
    assert again.manifest.classes == ("ant", "bee")
    assert (again.training, folder.archive.read_bytes()) == (20, renamed)
    assert len(server.asked("GET")) == 1
    assert not folder.renewing.exists()


def test_what_a_person_answered_before_holds_for_a_download_that_is_begun_later(server, workspace, folder):
    server.facts = {"evaluationMetric": "Root Mean Squared Error"}
    fetch(SLUG, hints=Hints(metric="log loss"), workspace=workspace)
    shutil.rmtree(folder.extracted)
    folder.archive.unlink()
    assert fetch(SLUG, workspace=workspace).manifest.metric == "log loss"


def test_a_question_after_a_forced_fetch_is_answered_without_another_download(server, workspace, folder):
    fetch(SLUG, workspace=workspace)
    server.competitions[SLUG] = photo_zip("ant", "bee")
    server.requests.clear()
    with pytest.raises(MissingHint, match=r"Hints\(positive"):
        fetch(SLUG, force=True, workspace=workspace)
    unpacked = folder.extracted.stat().st_ino
    answered = fetch(SLUG, hints=Hints(positive="ant"), force=True, workspace=workspace)
    assert answered.manifest.classes == ("bee", "ant")
    assert len(server.asked("GET")) == 1
    assert folder.extracted.stat().st_ino == unpacked
    fetch(SLUG, hints=Hints(positive="ant"), force=True, workspace=workspace)
    assert len(server.asked("GET")) == 2


def test_another_zip_is_taken_although_a_forced_fetch_never_ended(server, workspace, folder, tmp_path):
    fetch(SLUG, workspace=workspace)
    server.competitions[SLUG] = photo_zip("ant", "bee")
    with pytest.raises(MissingHint):
        fetch(SLUG, force=True, workspace=workspace)
    mine = tmp_path / "mine.zip"
    mine.write_bytes(ZIP)
    assert fetch(SLUG, archive=mine, workspace=workspace).manifest.classes == ("cat", "dog")
    assert folder.archive.read_bytes() == ZIP
    assert not folder.renewing.exists()


def test_a_second_fetch_from_the_same_zip_does_not_read_it_again(workspace, tmp_path, monkeypatch):
    mine = tmp_path / "mine.zip"
    mine.write_bytes(ZIP)
    fetch(SLUG, archive=mine, workspace=workspace)
    heard = Heard()
    with monkeypatch.context() as patch:
        patch.setattr("ensembler.workflows.fetch.checksums.compute_file_digest", pytest.fail)
        assert fetch(SLUG, archive=mine, workspace=workspace, progress=heard).training == 20
    assert heard.labels == []


def test_a_zip_that_was_copied_but_not_kept_is_taken_again(workspace, folder, tmp_path, monkeypatch):
    mine = tmp_path / "mine.zip"
    mine.write_bytes(ZIP)
    fetch(SLUG, archive=mine, workspace=workspace)
    right = tree(folder.root)
    shutil.rmtree(folder.root)

    def killed_afterwards(*arguments, **options):
        unpack(*arguments, **options)
        raise KeyboardInterrupt

    unpack = fetching.extract_archive
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "extract_archive", killed_afterwards)
        with pytest.raises(KeyboardInterrupt):
            fetch(SLUG, archive=mine, workspace=workspace)
    assert folder.extracted.is_dir()
    assert not folder.archive.exists()
    fetch(SLUG, archive=mine, workspace=workspace)
    assert tree(folder.root) == right


def test_room_for_a_zip_and_its_files_is_asked_for_before_it_is_copied(workspace, folder, tmp_path, monkeypatch):
    mine, asked = tmp_path / "mine.zip", []
    mine.write_bytes(zip_bytes({"blank.txt": bytes(5_000_000)}))

    def refuse(place, needed, purpose):
        asked.append((place, needed, purpose))
        raise StorageError("full")

    monkeypatch.setattr(fetching, "require_space", refuse)
    with pytest.raises(StorageError, match="full"):
        fetch(SLUG, archive=mine, workspace=workspace)
    assert asked == [(folder.raw, mine.stat().st_size + 5_000_000, "Copying and unpacking mine.zip")]
    assert not folder.archive.exists()
