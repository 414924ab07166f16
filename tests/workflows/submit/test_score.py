from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.photos import photo_bytes

from ensembler.errors import BadChoice
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.submit.score import score


def test_a_local_competition_is_scored_here(workspace: Workspace, tmp_path: Path) -> None:
    for n in range(20):
        path = tmp_path / "photos" / ("ab"[n % 2]) / f"{n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo_bytes(n, ".jpg"))
    adopt(tmp_path / "photos", "local", workspace=workspace)
    folder = workspace.competition("local")
    scored = score(folder.sample, workspace=workspace)
    assert scored.log_loss == scored.score == pytest.approx(np.log(2))
    content = folder.manifest.read_text()
    assert 'metric = "log loss"' in content
    folder.manifest.write_text(content.replace('metric = "log loss"', 'metric = "roc auc"'))
    scored = score(folder.sample, workspace=workspace)
    assert (scored.metric, scored.score) == ("roc auc", 0.5)
    assert scored.log_loss == pytest.approx(np.log(2))
    folder.solution.unlink()
    with pytest.raises(BadChoice, match="truth"):
        score(folder.sample, workspace=workspace)
