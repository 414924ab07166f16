from __future__ import annotations

from typing import Any, Literal

import pytest

from ensembler.options.kinds import InvalidValue, Number, Reader, check_flag, check_text, make_choice_reader

WHOLE = Number(int, ("at least", 1))
SHARE = Number(float, ("at least", 0), ("below", 1))
RATE = Number(float, ("above", 0), ("at most", 1))


@pytest.mark.parametrize(
    ("reader", "given", "read"),
    [
        (WHOLE, 1, 1),
        (WHOLE, "12", 12),
        (SHARE, 0, 0.0),
        (SHARE, "0.25", 0.25),
        (RATE, "1e-3", 0.001),
        (RATE, 1, 1.0),
        (make_choice_reader(Literal["a", "b"]), "b", "b"),
        (check_text, "a b", "a b"),
        (check_flag, False, False),
    ],
)
def test_what_fits_is_returned_with_its_type(reader: Reader, given: object, read: object) -> None:
    found = reader(given)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("reader", "given", "words"),
    [
        (WHOLE, 0, "must be at least 1"),
        (WHOLE, 1.0, "must be a whole number"),
        (WHOLE, "1.5", "must be a whole number"),
        (WHOLE, True, "must be a whole number"),
        (WHOLE, None, "must be a whole number"),
        (SHARE, 1, "must be at least 0 and below 1"),
        (SHARE, -0.1, "must be at least 0 and below 1"),
        (SHARE, "nan", "must be a number"),
        (SHARE, float("inf"), "must be a number"),
        (SHARE, "a lot", "must be a number"),
        (SHARE, False, "must be a number"),
        (RATE, 0, "must be above 0 and at most 1"),
        (RATE, 1.01, "must be above 0 and at most 1"),
        (RATE, 10**400, "must be a number"),
        (make_choice_reader(Literal["a", "b", "c"]), "d", "takes a, b or c"),
        (make_choice_reader(Literal["a", "b"]), ["a"], "takes a or b"),
        (check_text, "  ", "must be some text"),
        (check_text, 3, "must be some text"),
        (check_flag, "yes", "must be true or false"),
        (check_flag, 1, "must be true or false"),
    ],
    ids=lambda value: repr(value)[:20] if not callable(value) else "",
)
def test_what_does_not_fit_is_told(reader: Reader, given: Any, words: str) -> None:
    with pytest.raises(InvalidValue) as told:
        reader(given)
    assert str(told.value) == words
