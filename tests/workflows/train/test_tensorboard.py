from __future__ import annotations

import pytest

from ensembler.errors import BadChoice
from ensembler.workflows.train.tensorboard import require_tensorboard


def test_a_missing_package_is_told_by_the_extra_that_brings_it() -> None:
    with pytest.raises(BadChoice, match=r"pip install 'ensembler\[tensorboard\]'"):
        require_tensorboard(lambda _: None)


def test_a_package_that_is_there_is_enough() -> None:
    asked: list[str] = []
    require_tensorboard(lambda name: asked.append(name) or name)
    assert asked == ["tensorboard"]
