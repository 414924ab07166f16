"""The report of the demo, with what its real networks look at."""

from __future__ import annotations

import pytest
from conftest import Demo

from ensembler.workflows.report.report import report

pytestmark = pytest.mark.slow


def test_the_demo_is_explained(demo: Demo) -> None:
    result = report(workspace=demo.workspace, output=demo.folder / "demo-report.html")
    facts = result.facts
    assert facts.troubles == ()
    # Other tests stack the demo again.
    [own] = [one for one in facts.answer.stacks if one.name == demo.stacked.name]
    assert own.score == pytest.approx(demo.stacked.score)
    assert own.hidden_score == pytest.approx(demo.scored.score, abs=1e-6)
    assert facts.answer.score == min(one.score for one in facts.answer.stacks if one.score is not None)
    assert (facts.photos.explained, facts.photos.explanation_gap) == (12, "")
    assert all(photo.looked_at["class_name"] == photo.choice for photo in facts.photos.largest[:12])
    page = result.path.read_text("utf-8")
    # 24 largest losses, 12 uncertain ones, and 12 maps.
    assert page.count('src="data:image/webp') == 48
    assert result.total_bytes < 4_000_000
    assert own.members == tuple(one.name for one in demo.stacked.members)
