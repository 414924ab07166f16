from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from ensembler.errors import BadChoice
from ensembler.options.kinds import declare, read_value

WHOLE = Annotated[int, declare("N", ge=1)]
SHARE = Annotated[float, declare("SHARE", ge=0, lt=1)]
RATE = Annotated[float, declare("RATE", gt=0, le=1)]
PLACE = Annotated[str, declare("here|FOLDER")]


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        (WHOLE, 1, 1),
        (WHOLE, "12", 12),
        (SHARE, 0, 0.0),
        (SHARE, "0.25", 0.25),
        (RATE, "1e-3", 0.001),
        (RATE, 1, 1.0),
        (Literal["a", "b"], "b", "b"),
        (PLACE, "a b", "a b"),
        (bool, False, False),
        (str.upper, "a", "A"),
        (Annotated[int, declare(read=len)], "abc", 3),
    ],
)
def test_what_fits_is_returned_with_its_type(kind: Any, given: object, read: object) -> None:
    found = read_value("it", kind, given)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (WHOLE, 0, "must be a whole number, at least 1"),
        (WHOLE, 1.5, "must be a whole number, at least 1"),
        (WHOLE, "1.5", "must be a whole number, at least 1"),
        (WHOLE, True, "must be a whole number, at least 1"),
        (WHOLE, None, "must be a whole number, at least 1"),
        (SHARE, 1, "must be a number, at least 0 and below 1"),
        (SHARE, -0.1, "must be a number, at least 0 and below 1"),
        (SHARE, "nan", "must be a number, at least 0 and below 1"),
        (Annotated[float, declare("N", ge=0)], "inf", "must be a number, at least 0"),
        (SHARE, "a lot", "must be a number, at least 0 and below 1"),
        (SHARE, False, "must be a number, at least 0 and below 1"),
        (RATE, 0, "must be a number, above 0 and at most 1"),
        (RATE, 1.01, "must be a number, above 0 and at most 1"),
        (Annotated[float, declare("N", ge=0)], 10**400, "must be a number, at least 0"),
        (Literal["a", "b", "c"], "d", "takes a, b or c"),
        (Literal["a", "b"], ["a"], "takes a or b"),
        (PLACE, "  ", "takes here or FOLDER"),
        (str, 3, "must be text"),
        (bool, "yes", "must be true or false"),
        (bool, 1, "must be true or false"),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str | int | float) else "",
)
def test_what_does_not_fit_is_refused(kind: Any, given: Any, words: str) -> None:
    with pytest.raises(BadChoice) as caught:
        read_value("it", kind, given)
    assert str(caught.value) == f"it {words}. Received: {given}"
