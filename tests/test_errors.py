from __future__ import annotations

import errno
import inspect
import os

import pytest

from ensembler import errors
from ensembler.errors import BadChoice, EnsemblerError, StorageError, format_count

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_all_errors_are_ours_and_stand_in_the_tree(kind):
    assert issubclass(kind, EnsemblerError)
    assert kind.__name__ in errors.__doc__
    assert kind.__doc__


def test_an_unreadable_photo_is_bad_data():
    assert issubclass(errors.UnreadablePhoto, errors.BadData)


@pytest.mark.parametrize(
    ("name", "known", "says"),
    [
        ("mobilnet", ["mobilenet", "vgg16", "b0"], "There is no member named 'mobilnet': did you mean mobilenet?"),
        ("b33", ["b3", "b4", "xception"], "did you mean b3?"),
        ("zzz", ["b3", "a1"], "There is no member named 'zzz': known are a1, b3."),
        ("zz3", ["a1", "b3"], "There is no member named 'zz3': known are b3, a1."),
        ("zzz", [], "There is no member named 'zzz': there is none yet."),
        (
            "zzz",
            map(str, range(100, 200)),
            "known are 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, and 88 more.",
        ),
    ],
)
def test_unknown_names_suggest_the_nearest(name, known, says):
    assert says in str(BadChoice.from_unknown_name("member", name, known))


def test_a_long_list_is_pointed_to():
    assert str(BadChoice.from_unknown_name("member", "zzz", ["b0"], "see `ensembler backbones`.")).endswith(
        "'zzz': see `ensembler.list_backbones()`."
    )


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "change its permissions"),
        (errno.EROFS, "change its permissions"),
        (errno.ENOTDIR, "move the existing file away"),
        (errno.EIO, "check the file"),
    ],
)
def test_refusals_of_the_disk_say_what_to_do(number, says):
    sentence = str(StorageError.from_os(OSError(number, os.strerror(number), "data/x.csv")))
    assert sentence.startswith(f"Cannot write or read data/x.csv: {os.strerror(number)}; ")
    assert says in sentence


def test_a_refusal_without_a_number_is_told_too():
    assert "broken" in str(StorageError.from_os(OSError("broken")))


@pytest.mark.parametrize(("things", "said"), [([], "0 photos"), ([1], "1 photo"), ([1, 2], "2 photos")])
def test_counted(things, said):
    assert format_count(things, "photo") == said
