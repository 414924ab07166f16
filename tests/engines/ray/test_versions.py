from __future__ import annotations

import pytest

from ensembler.engines.ray.versions import describe_difference, read_versions


@pytest.mark.parametrize(
    ("here", "words"),
    [
        ({"python": "3.11.7", "keras": "3.10"}, ""),
        ({"python": "3.11.7", "keras": "3.9"}, "The node gpu-1 has keras 3.9 instead of 3.10: install the same"),
        ({"python": "3.12.1", "keras": ""}, "has python 3.12.1 instead of 3.11.7, keras of no known version instead"),
    ],
)
def test_a_node_with_other_versions_is_named(here: dict[str, str], words: str) -> None:
    found = describe_difference("gpu-1", here, {"python": "3.11.7", "keras": "3.10"})
    assert words in found
    assert bool(found) == bool(words)


def test_the_packages_that_determine_results_are_compared() -> None:
    found = read_versions()
    assert set(found) == {"python", "ensembler", "tensorflow", "keras", "numpy", "scikit-learn"}
    assert found["keras"]
    assert describe_difference("here", found, found) == ""
