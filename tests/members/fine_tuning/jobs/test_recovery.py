from __future__ import annotations

import pytest

from ensembler.members.fine_tuning.jobs.recovery import is_out_of_memory


class ResourceExhaustedError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ResourceExhaustedError("OOM when allocating tensor with shape[64,56,56,256]"), True),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes."), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (ValueError("Input 0 of layer is incompatible with the layer"), False),
        (MemoryError(), False),
        (RuntimeError("INVALID_ARGUMENT: shapes do not match"), False),
    ],
)
def test_want_of_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
