"""The number of threads of BLAS."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

from ensembler.heads.blas_threads import limit_blas_threads


def _list_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_block_has_one_thread_and_gives_the_others_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        for _ in range(2):
            with limit_blas_threads(1):
                assert _list_threads() == {1}
            assert _list_threads() == {2}
        with limit_blas_threads(None):
            assert _list_threads() == {2}
