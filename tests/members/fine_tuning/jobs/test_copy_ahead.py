from __future__ import annotations

import threading

import numpy as np
import pytest

from ensembler.members.fine_tuning.jobs.devices import copy_ahead


def test_the_next_batch_is_copied_during_a_step():
    asked = [threading.Event() for _ in range(3)]

    def make_batches():
        for number, event in enumerate(asked):
            event.set()
            yield np.full((2, 4, 4, 3), number, np.uint8), np.ones((2, 1), np.float32)

    found = copy_ahead(make_batches())
    pixels, _ = next(found)
    # A step computes now, and nobody asks for a batch.
    assert asked[1].wait(10)
    assert not asked[2].is_set()
    assert "uint8" in str(pixels.dtype)
    assert [int(batch[0][0, 0, 0, 0]) for batch in found] == [1, 2]


def test_an_error_of_a_batch_is_raised():
    def make_batches():
        yield (np.zeros(1),)
        raise ValueError("no photo")

    found = copy_ahead(make_batches())
    next(found)
    with pytest.raises(ValueError, match="no photo"):
        next(found)
