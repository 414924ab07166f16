"""The number of threads of BLAS. Finding its libraries takes longer than a small fit, so it is done once."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

# Loads the library that the controller must find.
import scipy.linalg.blas  # noqa: F401
from threadpoolctl import ThreadpoolController


@cache
def _find_libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def limit_blas_threads(threads: int | None) -> AbstractContextManager[object]:
    """Limit products of matrices to a number of threads within a block. None changes nothing."""
    limit: AbstractContextManager[object] = _find_libraries().limit(limits=threads)
    return limit
