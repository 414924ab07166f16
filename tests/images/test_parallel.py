from __future__ import annotations

import time

from ensembler.images.parallel import map_in_threads


def test_results_keep_the_order_and_no_item_is_begun_after_the_block() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.001)
        return item

    with map_in_threads(work, range(2000)) as results:
        assert [next(results) for _ in range(5)] == list(range(5))
    count = len(begun)
    assert count < 1000
    time.sleep(0.01)
    assert len(begun) == count
