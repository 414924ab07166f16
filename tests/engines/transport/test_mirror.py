from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from glob import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.transport_made import Cluster, DictChannel, locate

from ensembler.engines.job import Job
from ensembler.engines.transport import channel as channels
from ensembler.engines.transport import fetching, returns
from ensembler.engines.transport.messages import ReturnDeletion, ReturnEnd, Segment, WantSegments
from ensembler.engines.transport.mirror import open_mirror
from ensembler.engines.transport.node_folder import NodeFolder
from ensembler.errors import Interrupted, StorageError, TransferFailed
from ensembler.events import EpochBegan, Noted
from ensembler.job_files import JobFiles
from ensembler.paths import find_in_mirror
from ensembler.progress import Progress

ODD_NAMES = [
    "plain.txt",
    "a space.txt",
    "ünïcode 写真.txt",
    "line\nbreak.txt",
    "quote'\".txt",
    "[brackets]*.txt",
    ".hidden",
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "driver" / "data"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    """Pieces of 100 bytes."""
    monkeypatch.setattr(returns, "PIECE_BYTES", 100)
    monkeypatch.setattr(fetching.divide_contents, "__defaults__", (100,))
    return 100


def list_fetched(cluster: Cluster) -> list[Segment]:
    return [each for one in cluster.requests if isinstance(one, WantSegments) for each in one.segments]


def flip(piece: bytes) -> bytes:
    return bytes([piece[0] ^ 1]) + piece[1:] if piece else piece


def test_a_mirror_holds_the_files_that_the_job_reads_and_nothing_else(data: Path, tmp_path: Path) -> None:
    for name in ODD_NAMES:
        (data / name).write_text(name * 7)
    (data / "below").mkdir()
    (data / "below" / "one.csv").write_text("x")
    (data / "kaggle.json").write_text("secret")
    (data / "empty").touch()
    strange = os.fsdecode(bytes(data / "bytes-") + b"\xff")
    Path(strange).write_text("no Unicode")
    photos = tuple(str(data / name) for name in ODD_NAMES)
    reads = (str(data / "below"), str(data / "emp*"), str(data / "missing"), strange)
    with Cluster(tmp_path).open(JobFiles(reads=reads, photos=photos)) as mirror:
        for name in ODD_NAMES:
            assert locate(mirror, data / name).read_text() == name * 7
        assert locate(mirror, data / "below" / "one.csv").read_text() == "x"
        assert locate(mirror, data / "empty").read_bytes() == b""
        assert locate(mirror, Path(strange)).read_text() == "no Unicode"
        found = [path for path in locate(mirror, data).rglob("*") if path.is_file()]
    assert len(found) == len(ODD_NAMES) + 3
    assert not locate(mirror, data).exists()


def test_the_second_job_on_a_node_fetches_nothing_again(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("one")
    (data / "b").write_text("one")
    cluster = Cluster(tmp_path)
    with cluster.open(JobFiles(reads=(str(data),))):
        pass
    fetched = list_fetched(cluster)
    # The list, and the content that both files share.
    assert len(fetched) == 2
    with cluster.open(JobFiles(reads=(str(data),))) as mirror:
        assert locate(mirror, data / "b").read_text() == "one"
    assert list_fetched(cluster) == fetched


def test_pieces_are_small_and_few_are_alive(data: Path, tmp_path: Path, small_pieces: int) -> None:
    (data / "large").write_bytes(bytes(range(256)) * 10)
    for number in range(50):
        (data / f"{number}").write_text(f"{number}")
    cluster = Cluster(tmp_path)
    with cluster.open(JobFiles(reads=(str(data),), writes=(str(data / "out"),))) as mirror:
        assert locate(mirror, data / "large").read_bytes() == bytes(range(256)) * 10
        locate(mirror, data / "out").write_bytes(b"ab" * 555)
        mirror.bring_back()
    assert (data / "out").read_bytes() == b"ab" * 555
    assert max(cluster.channel.sizes) == small_pieces
    assert cluster.channel.most_alive <= fetching.PIECES_AHEAD + 1
    assert not cluster.channel.pieces


@pytest.mark.parametrize("cut", [False, True], ids=["flipped", "cut"])
@pytest.mark.parametrize(("times", "succeeds"), [(1, True), (1000, False)])
def test_a_damaged_piece_is_fetched_again_once(
    data: Path, tmp_path: Path, small_pieces: int, times: int, succeeds: bool, cut: bool
) -> None:
    def damage(number: int, piece: bytes) -> bytes:
        # The first pieces are those of the list.
        if 10 <= number < 10 + times:
            return piece[:-1] if cut else flip(piece)
        return piece

    for number in range(10):
        (data / f"{number}").write_bytes(os.urandom(130))
    cluster = Cluster(tmp_path, DictChannel(damage))
    files = JobFiles(reads=(str(data),))
    if succeeds:
        with cluster.open(files) as mirror:
            for path in data.iterdir():
                assert locate(mirror, path).read_bytes() == path.read_bytes()
    else:
        with pytest.raises(TransferFailed, match="wrong twice"), cluster.open(files):
            pass
    leftovers = [path for path in tmp_path.rglob("*") if "fetching-" in path.name or path.parent.name == "mirrors"]
    assert leftovers == []


@pytest.mark.parametrize(("times", "succeeds"), [(1, True), (1000, False)])
def test_a_damaged_return_is_sent_again_once(data: Path, tmp_path: Path, times: int, succeeds: bool) -> None:
    damaged = 0

    def damage(_: int, piece: bytes) -> bytes:
        nonlocal damaged
        if piece.startswith(b"new"):
            damaged += 1
            return flip(piece) if damaged <= times else piece
        return piece

    (data / "out").write_text("old")
    cluster = Cluster(tmp_path, DictChannel(damage))
    with cluster.open(JobFiles(writes=(str(data / "out"),))) as mirror:
        place = locate(mirror, data / "out")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("new")
        if succeeds:
            mirror.bring_back()
        else:
            with pytest.raises(TransferFailed, match="wrong twice"):
                mirror.bring_back()
    assert (data / "out").read_text() == ("new" if succeeds else "old")
    assert [path.name for path in data.iterdir()] == ["out"]


def test_only_changed_files_come_back_and_deleted_files_are_deleted(data: Path, tmp_path: Path) -> None:
    fold = data / "fold-0"
    fold.mkdir()
    (fold / "checkpoint.npz").write_text("epoch 1")
    (fold / "labels.csv").write_text("id")
    (data / "other").write_text("other")
    cluster = Cluster(tmp_path)
    files = JobFiles(reads=(str(fold), str(data / "other")), writes=(str(fold), str(fold / "fold.json")))
    with cluster.open(files) as mirror:
        here = locate(mirror, fold)
        (here / "fold.json").write_text("{}")
        (here / "model.keras").write_text("weights")
        (here / ".writing-x-1-y").mkdir()
        (here / ".writing-x-1-y" / "half").touch()
        locate(mirror, data / "new").write_text("not below writes")
        locate(mirror, data / "other").unlink()
        (here / "checkpoint.npz").unlink()
        mirror.bring_back()
        mirror.bring_back()
    told = [(type(one), Path(one.path).name) for one in cluster.requests if isinstance(one, ReturnEnd | ReturnDeletion)]
    # The file that marks the fold as finished is last, whatever its time.
    assert told == [(ReturnEnd, "model.keras"), (ReturnEnd, "fold.json"), (ReturnDeletion, "checkpoint.npz")]
    assert sorted(path.name for path in fold.iterdir()) == ["fold.json", "labels.csv", "model.keras"]
    assert (data / "other").read_text() == "other"
    assert not (data / "new").exists()


def test_files_of_a_pattern_come_back_and_others_stay(data: Path, tmp_path: Path) -> None:
    folder = data / "survey [1]"
    (folder / "pixels").mkdir(parents=True)
    (folder / "old.npz").write_text("old")
    pattern = f"{escape(str(folder))}/*.npz"
    with Cluster(tmp_path).open(JobFiles(reads=(pattern,), writes=(pattern,))) as mirror:
        here = locate(mirror, folder)
        assert [path.name for path in here.iterdir()] == ["old.npz"]
        (here / "pixels").mkdir()
        for name in ("new.npz", "new.txt", "pixels/0.npz"):
            (here / name).write_text("new")
        (here / "old.npz").unlink()
        mirror.bring_back()
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == ["new.npz", "pixels"]


def test_checkpoints_come_back_at_each_epoch(data: Path, tmp_path: Path) -> None:
    checkpoint = data / "checkpoint.npz"
    cluster = Cluster(tmp_path)
    arrived = threading.Event()

    def ask(request: Any) -> Any:
        reply = cluster.server.answer(request)
        if isinstance(request, ReturnEnd):
            arrived.set()
        return reply

    cluster.server.open("job", lambda: JobFiles(writes=(str(checkpoint),)))
    event = EpochBegan("b0", 0, "all", 1, 1, 1, 2, 1)
    with open_mirror("job", ask, cluster.channel, Progress(), cluster.node) as mirror:
        place = locate(mirror, checkpoint)
        place.parent.mkdir(parents=True, exist_ok=True)
        for epoch in range(3):
            place.with_name("next").write_text(f"epoch {epoch}")
            place.with_name("next").replace(place)
            arrived.clear()
            mirror.notice(Noted("something else"))
            mirror.notice(event)
            assert arrived.wait(5)
            assert checkpoint.read_text() == f"epoch {epoch}"


def test_a_failed_return_in_the_background_is_told_and_tried_again(data: Path, tmp_path: Path) -> None:
    told = threading.Event()

    class Told(Progress):
        def emit(self, event: Any) -> None:
            told.set()

    cluster = Cluster(tmp_path)
    with cluster.open(JobFiles(writes=(str(data),)), Told(), key="lost") as mirror:
        locate(mirror, data).mkdir(parents=True)
        (locate(mirror, data) / "checkpoint.npz").touch()
        cluster.server.abandon("lost")
        mirror.notice(EpochBegan("b0", 0, "all", 1, 1, 1, 2, 1))
        assert told.wait(5)
        with pytest.raises(TransferFailed, match="given up"):
            mirror.bring_back()


@pytest.mark.parametrize("times", [1, 3, 1000])
def test_a_table_that_changes_meanwhile_arrives_as_it_is_now_unless_it_never_rests(
    data: Path, tmp_path: Path, times: int
) -> None:
    (data / "speed.json").write_text("0")
    cluster = Cluster(tmp_path)
    changes = 0

    def ask(request: Any) -> Any:
        nonlocal changes
        # Another job brings its file back just before the node asks for it.
        if isinstance(request, WantSegments) and len(list_fetched(cluster)) % 2 and changes < times:
            changes += 1
            (data / "speed.json").write_text(f"{changes}")
        return cluster.ask(request)

    cluster.server.open("job", lambda: JobFiles(reads=(str(data),)))
    if times < 1000:
        with open_mirror("job", ask, cluster.channel, Progress(), cluster.node) as mirror:
            assert locate(mirror, data / "speed.json").read_text() == str(times)
        return
    with (
        pytest.raises(TransferFailed, match=r"speed\.json changed while it was sent"),
        open_mirror("job", ask, cluster.channel, Progress(), cluster.node),
    ):
        pass


def test_a_photo_that_changed_during_a_run_is_an_error(data: Path, tmp_path: Path) -> None:
    (data / "1.png").write_text("one")
    cluster = Cluster(tmp_path)
    files = JobFiles(photos=(str(data / "1.png"),))
    with cluster.open(files):
        pass
    (data / "1.png").write_text("two")
    cluster.node = NodeFolder(tmp_path / "another node")
    with pytest.raises(TransferFailed, match=r"1\.png changed while it was sent"), cluster.open(files):
        pass


def test_a_job_that_was_given_up_gets_no_files(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with (
        pytest.raises(TransferFailed, match="given up"),
        open_mirror("lost", cluster.ask, cluster.channel, Progress(), cluster.node),
    ):
        pass


def test_a_content_that_a_job_changed_in_place_is_fetched_again(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("abc")
    cluster = Cluster(tmp_path)
    with cluster.open(JobFiles(reads=(str(data),))) as mirror:
        place = locate(mirror, data / "a")
        place.chmod(0o600)
        place.write_text("xyz")
    with cluster.open(JobFiles(reads=(str(data),))) as mirror:
        assert locate(mirror, data / "a").read_text() == "abc"


def test_a_stop_leaves_nothing(data: Path, tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)

    class Stopping(Progress):
        @property
        def stopping(self) -> bool:
            return bool(cluster.requests)

    (data / "a").write_text("abc")
    with pytest.raises(Interrupted), cluster.open(JobFiles(reads=(str(data),)), Stopping()):
        pass
    assert list((tmp_path / "node" / "mirrors").iterdir()) == []
    with cluster.open(JobFiles(reads=(str(data),))) as mirror:
        assert locate(mirror, data / "a").read_text() == "abc"


def test_a_lost_driver_ends_the_transfer(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("abc")
    cluster = Cluster(tmp_path)
    cluster.server.open("job", lambda: JobFiles(reads=(str(data),)))

    def fail(_: Any) -> Any:
        raise ConnectionResetError("gone")

    with pytest.raises(OSError, match="gone"), open_mirror("job", fail, cluster.channel, Progress(), cluster.node):
        pass
    assert list((tmp_path / "node" / "mirrors").iterdir()) == []


def test_jobs_on_one_node_share_folders_and_contents(data: Path, tmp_path: Path) -> None:
    (data / "photos").mkdir()
    for number in range(40):
        (data / "photos" / f"{number}").write_text(f"{number}" * 50)
    cluster = Cluster(tmp_path)
    files = JobFiles(reads=(str(data / "photos"),), writes=(str(data / "out"),), shared=(str(data / "cache"),))

    def run(number: int) -> None:
        with cluster.open(files, key=f"job {number}") as mirror:
            for path in (data / "photos").iterdir():
                assert locate(mirror, path).read_text() == path.read_text()
            (locate(mirror, data / "cache") / f"{number}").touch()
            (locate(mirror, data / "out")).mkdir()
            (locate(mirror, data / "out") / f"{number}").touch()
            mirror.bring_back()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert len(list_fetched(cluster)) == 41
    assert len(list((data / "out").iterdir())) == 4
    assert not (data / "cache").exists()
    with cluster.open(files) as mirror:
        assert len(list(locate(mirror, data / "cache").iterdir())) == 4


def _die_in_a_mirror(cluster: Cluster, files: JobFiles, place: Any) -> None:
    with cluster.open(files) as mirror:
        place.send(mirror.environment["ENSEMBLER_MIRROR"])
        os._exit(9)


def test_the_mirror_of_a_killed_process_is_deleted_by_the_next(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("abc")
    cluster = Cluster(tmp_path)
    files = JobFiles(reads=(str(data),))
    receive, send = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_die_in_a_mirror, args=(cluster, files, send))
    process.start()
    place = Path(receive.recv())
    process.join()
    assert place.is_dir()
    with cluster.open(files) as first, cluster.open(files) as second:
        assert not place.exists()
        # The mirrors of running jobs stay.
        assert locate(first, data / "a").exists()
        assert locate(second, data / "a").exists()


def test_a_full_disk_is_told_before_the_transfer(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(tmp_path)
    with (data / "huge").open("wb") as stream:
        stream.truncate(7 * 10**9)
    monkeypatch.setattr("ensembler.engines.transport.listing.compute_file_digest", lambda *_: "0" * 64)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 * 10**9))
    with (
        pytest.raises(StorageError, match=r"7\.0 GB in .* but only 5\.0 GB"),
        cluster.open(JobFiles(reads=(str(data),))),
    ):
        pass


def test_jobs_see_paths_of_the_mirror_and_report_paths_of_the_driver(data: Path, tmp_path: Path) -> None:
    (data / "train.csv").write_text("id")
    files = JobFiles(
        reads=(str(data / "*.csv"),), writes=(str(data / "logs"),), environment={"KERAS_HOME": str(data / "keras")}
    )
    spec = {"folder": {"root": str(data)}, "count": 3, "photo": str(data / "train.csv"), "other": "/elsewhere"}
    with Cluster(tmp_path).open(files) as mirror:
        prefix = mirror.environment["ENSEMBLER_MIRROR"]
        job, log = mirror.map_job(Job("one", "module:function", spec, files=lambda: files), data / "logs" / "one.log")
        assert job.spec["folder"]["root"] == prefix + str(data)
        assert job.spec["photo"] == prefix + str(data / "train.csv")
        assert (job.spec["count"], job.spec["other"]) == (3, "/elsewhere")
        assert mirror.environment["KERAS_HOME"] == prefix + str(data / "keras")
        assert mirror.working_folder == Path(f"{prefix}{Path.cwd()}")
        assert mirror.working_folder.is_dir()
        log.write_text("written")
        mirror.bring_back()
        line = json.dumps({"text": f"{log} is damaged"})
        assert json.loads(mirror.restore(line)) == {"text": f"{data / 'logs' / 'one.log'} is damaged"}
    assert (data / "logs" / "one.log").read_text() == "written"


def test_paths_in_files_are_found_in_the_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_in_mirror(Path("/photos/1.png")) == Path("/photos/1.png")
    monkeypatch.setenv("ENSEMBLER_MIRROR", str(tmp_path))
    assert find_in_mirror(Path("/photos/1.png")) == tmp_path / "photos/1.png"
    assert find_in_mirror(tmp_path / "photos/1.png") == tmp_path / "photos/1.png"
    monkeypatch.chdir(tmp_path)
    assert find_in_mirror(Path("1.png")) == Path("1.png")


def test_messages_can_be_pickled(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("abc")
    cluster = Cluster(tmp_path)
    cluster.server.open("job", lambda: JobFiles(reads=(str(data),)))
    with open_mirror(
        "job",
        lambda request: pickle.loads(pickle.dumps(cluster.ask(pickle.loads(pickle.dumps(request))))),  # type: ignore[no-any-return]
        cluster.channel,
        Progress(),
        cluster.node,
    ) as mirror:
        assert locate(mirror, data / "a").read_text() == "abc"


MEASURE = """
import hashlib, os, resource, sys
from pathlib import Path
from helpers.transport_made import Cluster, locate
from ensembler.job_files import JobFiles
folder = Path(sys.argv[1])
data, block = folder / "data", os.urandom(2**20)
data.mkdir()
with (data / "large").open("wb") as stream:
    for _ in range(300):
        stream.write(block)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Cluster(folder).open(JobFiles(reads=(str(data),), writes=(str(folder / "back"),))) as mirror:
    here = locate(mirror, folder / "back")
    here.parent.mkdir(parents=True, exist_ok=True)
    os.link(locate(mirror, data / "large"), here)
    mirror.bring_back()
with (data / "large").open("rb") as sent, (folder / "back").open("rb") as back:
    assert hashlib.file_digest(sent, "sha256").digest() == hashlib.file_digest(back, "sha256").digest()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_large_file_goes_through_in_bounded_memory(tmp_path: Path) -> None:
    import subprocess

    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    # Kilobytes: both sides together hold a few pieces of 32 MiB.
    assert int(ended.stdout) < 6 * channels.PIECE_BYTES / 1024
