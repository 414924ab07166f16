from __future__ import annotations

import hashlib
import os
import pickle
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ensembler import storage
from ensembler.errors import BadChoice, BadData, StorageError
from ensembler.paths import CompetitionFolder, Workspace, check_name
from ensembler.serialization import (
    compute_fingerprint,
    format_toml,
    read_arrays,
    read_json,
    read_toml,
    write_arrays,
    write_json,
    write_json_if_changed,
)
from ensembler.storage import (
    compute_file_digest,
    count_folder_bytes,
    remove_file,
    remove_folder,
    require_space,
    write_bytes,
    write_file_atomically,
    write_folder_atomically,
    write_text,
)


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_is_written_with_its_folders(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "näïve\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_text("utf-8") == "näïve\n"
    assert everything_in(tmp_path) == ["a", "a/b", "a/b/c.txt"]


def test_the_temporary_file_has_the_same_suffix_and_disk(tmp_path):
    with write_file_atomically(tmp_path / "net.keras") as temporary:
        assert temporary.name == "net.keras"
        assert temporary.parent.parent == tmp_path
        temporary.write_text("weights")
    assert everything_in(tmp_path) == ["net.keras"]


def half_then(error, path):
    path.write_text("half")
    raise error


@pytest.mark.parametrize("old", ["old", None])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failing_inside_leaves_the_old_file(tmp_path, old, error):
    path = tmp_path / "table.csv"
    if old:
        path.write_text(old)
    with pytest.raises(error), write_file_atomically(path) as temporary:
        half_then(error, temporary)
    assert everything_in(tmp_path) == (["table.csv"] if old else [])
    assert not old or path.read_text() == old


def test_a_refusal_of_the_disk_inside_is_one_sentence(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(StorageError, match=r"No space left.*free some space"), write_file_atomically(path):
        raise OSError(28, "No space left on device", str(path))
    assert path.read_text() == "old"


def test_nobody_sees_the_new_file_before_it_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with write_file_atomically(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_the_disk_holds_the_content_before_the_name(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    synced = []
    really = os.fsync

    def watched(handle):
        synced.append((os.fstat(handle).st_size, path.exists()))
        really(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_text(path, "whole")
    assert synced[0] == (5, False)
    assert len(synced) == 2


def test_a_new_file_has_usual_permissions(tmp_path):
    write_text(tmp_path / "ours", "")
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("write", [write_text, lambda path, _: write_folder_atomically(path).__enter__()])
def test_a_file_where_a_folder_should_be(tmp_path, write):
    (tmp_path / "data").write_text("I am no folder")
    with pytest.raises(StorageError, match=r"data.*move the existing file away"):
        write(tmp_path / "data" / "x.csv", "")
    assert (tmp_path / "data").read_text() == "I am no folder"


def test_removing(tmp_path):
    write_text(tmp_path / "x.csv", "")
    remove_file(tmp_path / "x.csv")
    remove_file(tmp_path / "x.csv")
    assert everything_in(tmp_path) == []
    write_text(tmp_path / "x", "")
    with pytest.raises(StorageError, match="move the existing file away"):
        remove_file(tmp_path / "x" / "y")


def test_a_folder_where_a_file_should_be(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(StorageError, match=r"x\.csv"):
        write_text(tmp_path / "x.csv", "")
    assert everything_in(tmp_path) == ["x.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="change its permissions"):
        write_text(tmp_path / "x.csv", "")


def test_a_folder_takes_its_place_whole(tmp_path):
    for content in ("first", "second"):
        with write_folder_atomically(tmp_path / "extracted") as temporary:
            (temporary / content).write_text(content)
        assert everything_in(tmp_path) == ["extracted", f"extracted/{content}"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failing_inside_leaves_the_old_folder(tmp_path, error):
    write_text(tmp_path / "extracted" / "old", "")
    with pytest.raises(error), write_folder_atomically(tmp_path / "extracted") as temporary:
        half_then(error, temporary / "half")
    assert everything_in(tmp_path) == ["extracted", "extracted/old"]


CONTENT = {"b": [1, 2.5, "ü"], "a": {"c": True}}


def test_json_comes_back(tmp_path):
    write_json(tmp_path / "x.json", CONTENT)
    assert read_json(tmp_path / "x.json") == CONTENT
    assert "ü" in (tmp_path / "x.json").read_text("utf-8")


def test_toml_comes_back_under_comments(tmp_path):
    write_text(tmp_path / "x.toml", format_toml("first\n\nthird", CONTENT))
    assert read_toml(tmp_path / "x.toml") == CONTENT
    assert (tmp_path / "x.toml").read_text("utf-8").startswith("# first\n#\n# third\n\n")


@pytest.mark.parametrize("read", [read_json, read_toml, read_arrays])
@pytest.mark.parametrize("content", [None, b"{", b"\xff\xfe", b"PK\x03\x04"])
def test_damaged_files_are_named(tmp_path, read, content):
    path = tmp_path / "damaged"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadData, match=r"(?s)Cannot read .*damaged.*delete"):
        read(path)


def test_arrays_come_back(tmp_path):
    arrays = {"p": np.random.default_rng(0).random((3, 2)), "ids": np.array(["a", "bb"]), "n": np.arange(3)}
    write_arrays(tmp_path / "x.npz", **arrays)
    back = read_arrays(tmp_path / "x.npz")
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype


def test_no_pickle_is_written(tmp_path):
    with pytest.raises(TypeError, match="objects"):
        write_arrays(tmp_path / "x.npz", ids=np.array(["a", None], dtype=object))
    assert everything_in(tmp_path) == []


class Trap:
    def __reduce__(self):
        return (os.mkdir, (os.environ["TRAP"],))


def test_no_pickle_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    np.savez(tmp_path / "x.npz", trap=np.array([Trap()], dtype=object))
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Trap()))
    for name in ("x.npz", "plain.npz"):
        with pytest.raises(BadData, match=name):
            read_arrays(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_fingerprint_depends_on_content_not_on_order():
    assert compute_fingerprint({"a": 1, "b": [1, 2]}) == compute_fingerprint({"b": (1, 2), "a": 1})
    assert compute_fingerprint({"a": 1, "b": [1, 2]}) != compute_fingerprint({"a": 1, "b": [2, 1]})


def test_a_digest_is_sha256_and_told_in_bytes(tmp_path):
    content = os.urandom((1 << 20) + 5)
    write_bytes(tmp_path / "x", content)
    heard = []
    assert compute_file_digest(tmp_path / "x", heard.append) == hashlib.sha256(content).hexdigest()
    assert heard == [1 << 20, 5]


def test_a_digest_of_nothing(tmp_path):
    with pytest.raises(StorageError, match="missing"):
        compute_file_digest(tmp_path / "missing")


def test_space_is_asked_for_before_it_is_used(tmp_path):
    require_space(tmp_path / "not" / "there", 1, "This")
    with pytest.raises(StorageError, match=r"This needs 1000000000\.00 GB in .*there.*workspace"):
        require_space(tmp_path / "not" / "there", 10**18, "This")


@pytest.mark.parametrize("name", ["cars", "dogs-vs-cats", "a.b_c@2", "7"])
def test_good_names(name):
    assert check_name(name, "competition") == name


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a b", "../x", "ä", "a\n", "-x"])
def test_bad_names(name):
    with pytest.raises(BadChoice, match="not a valid name of a competition"):
        check_name(name, "competition")


def made(workspace, *names):
    for name in names:
        write_text(workspace.competition(name).manifest, "")
    return workspace


def test_the_last_competition_is_the_current_one(tmp_path):
    workspace = made(Workspace(tmp_path / "data", tmp_path / "submissions"), "cars", "boats")
    with pytest.raises(BadChoice, match=r"ensembler\.fetch\(.SLUG.\)"):
        workspace.current()
    workspace.make_current(workspace.competition("cars"))
    assert workspace.current().name == "cars"
    assert workspace.current("boats").name == "boats"
    assert workspace.competitions() == ["boats", "cars"]


def test_an_unknown_competition(tmp_path):
    workspace = made(Workspace(tmp_path, tmp_path), "cars")
    with pytest.raises(BadChoice, match=r"no competition named 'car'.*cars\?"):
        workspace.current("car")


def test_a_competition_may_be_named_current(tmp_path):
    workspace = made(Workspace(tmp_path, tmp_path), "current")
    workspace.make_current(workspace.competition("current"))
    assert workspace.current().name == "current"


def test_all_paths_of_a_competition_lie_in_its_folder(tmp_path):
    folder = CompetitionFolder(tmp_path / "cars")
    # CSVs lie in the workspace's other folder.
    names = sorted(set(dir(CompetitionFolder)) - {"submissions"})
    plain = [value for name in names if isinstance(value := getattr(folder, name), type(tmp_path))]
    paths = [*plain, folder.member("b0"), folder.fold("b0", 3), folder.stack("b0+b2")]
    assert len(set(paths)) == len(paths) > 10
    assert all(path == folder.root or folder.root in path.parents for path in paths)
    assert folder.fold("b0", 3) == folder.member("b0") / "fold-3"


def test_what_a_killed_process_left_half_written_is_swept(tmp_path):
    script = """
import os, signal, sys
from pathlib import Path
from ensembler.storage import write_file_atomically, write_folder_atomically
place = Path(sys.argv[1])
with write_folder_atomically(place / "folder") as folder, write_file_atomically(place / "file") as file:
    file.touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    others = tmp_path / ".writing-00000000-1-elsewhere"
    others.mkdir()
    with write_file_atomically(tmp_path / "ours") as ours:
        ours.write_text("not swept")
        assert len(list(tmp_path.iterdir())) == 4
        storage.remove_unfinished(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [others.name, "ours"]


def test_a_folder_goes_at_once_and_says_what_it_held(tmp_path):
    write_text(tmp_path / "b0" / "fold-0" / "x.json", "1234567")
    write_text(tmp_path / "b0" / "y.json", "12")
    (tmp_path / "b0" / "link").symlink_to(tmp_path)
    there = count_folder_bytes(tmp_path / "b0")
    assert 9 <= there < 100
    assert remove_folder(tmp_path / "b0") == there
    assert everything_in(tmp_path) == []


def test_a_folder_that_is_not_there_has_gone(tmp_path):
    assert remove_folder(tmp_path / "nowhere") == 0


def test_a_folder_that_cannot_go_stays(tmp_path):
    (tmp_path / "inner").mkdir()
    with pytest.raises(StorageError, match="Cannot write or read"):
        remove_folder(tmp_path / "inner" / "..")
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
    assert not list((tmp_path / "inner").iterdir())


def test_what_is_there_already_is_not_written_again(tmp_path):
    path = tmp_path / "a.json"
    write_json_if_changed(path, {"a": [1, None]})
    before = path.stat().st_mtime_ns
    write_json_if_changed(path, {"a": [1, None]})
    assert path.stat().st_mtime_ns == before
    write_json_if_changed(path, {"a": [2]})
    assert read_json(path) == {"a": [2]}


def test_each_member_has_a_lock_of_its_own(tmp_path):
    folder = CompetitionFolder(tmp_path)
    assert folder.member_lock("b0@x") == tmp_path.parent / ".locks" / f"{tmp_path.name}.member-b0@x"


def test_a_handle_names_a_competition_and_brings_its_workspace(tmp_path):
    place, other = (Workspace(tmp_path / name / "data", tmp_path / name / "submissions") for name in ("a", "b"))
    folder = place.competition("cars")
    prepared = SimpleNamespace(folder=folder)
    assert other.current(prepared) is folder
    assert other.current(prepared).submissions == tmp_path / "a" / "submissions" / "cars"
