from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ensembler.engines.transport.fetching import divide_contents
from ensembler.engines.transport.messages import Content


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(1, 17))
def test_segments_cover_each_content_in_order_and_requests_are_small(sizes: list[int], piece: int) -> None:
    contents = [Content(str(number), size) for number, size in enumerate(sizes)]
    requests = list(divide_contents(contents, piece))
    assert all(len(request) > 0 and sum(each.length for each in request) <= piece for request in requests)
    covered: Counter[str] = Counter()
    for segment in (segment for request in requests for segment in request):
        assert segment.offset == covered[segment.digest]
        covered[segment.digest] += segment.length
    assert {each.digest: each.size for each in contents} == dict(covered)
    # All requests but the last are full, apart from empty contents.
    assert len(requests) <= sum(sizes) // piece + 1
