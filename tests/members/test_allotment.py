from __future__ import annotations

import pytest

from ensembler.members.allotment import PhaseEpochs, find_share_within


@pytest.mark.parametrize(
    ("seconds", "stretches", "share"),
    [
        (100, [PhaseEpochs(5, 20)], 1.0),
        (1000, [PhaseEpochs(5, 20)], 1.0),
        (50, [PhaseEpochs(5, 20)], 0.5),
        (50, [PhaseEpochs(5, 15, compile_seconds=5)], 0.6),
        # Both networks get the same share.
        (90, [PhaseEpochs(5, 20), PhaseEpochs(10, 8)], 0.5),
        # The short phase keeps its one epoch, so the long one gets less.
        (30, [PhaseEpochs(1, 10), PhaseEpochs(10, 10)], 0.2),
        # What is done counts to the share, and its compilation is paid.
        (30, [PhaseEpochs(5, 20, compile_seconds=9, done=1)], 0.5),
        (0, [PhaseEpochs(5, 20, done=3)], 0.6),
        (10, [PhaseEpochs(5, 20)], 0.0),
        (-5, [PhaseEpochs(5, 20)], 0.0),
    ],
)
def test_the_largest_share_that_fits(seconds: float, stretches: list[PhaseEpochs], share: float) -> None:
    assert find_share_within(seconds, stretches) == pytest.approx(share, abs=1e-6)


def test_each_has_at_least_one_epoch_and_keeps_what_is_done() -> None:
    assert PhaseEpochs(5, 1).count_epochs(0) == 1
    assert PhaseEpochs(5, 1, done=3).count_epochs(0) == 3
    assert PhaseEpochs(5, 1).count_epochs(0.5) == 2.5
