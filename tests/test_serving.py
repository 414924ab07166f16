"""The web service of docs/serving.md answers with the predictions of its stack."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from helpers.exports_made import build_network, make_card, predict_by_keras
from helpers.photos import write_photo

from ensembler.images.decoding import decode_at_sizes
from ensembler.stacking.card import attach_card

PAGE = Path(__file__).parent.parent / "docs" / "serving.md"


async def post_photo(app: Any, photo: Path) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.post("/predict", files={"photo": photo.read_bytes()})


def test_the_service_answers_with_the_probability_of_each_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_network()
    model.save(tmp_path / "stack.keras")
    card = make_card().network
    attach_card(tmp_path / "stack.keras", card)
    monkeypatch.chdir(tmp_path)
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    service: dict[str, Any] = {"__name__": "service"}
    exec(compile(found[1], str(PAGE), "exec"), service)
    photo = write_photo(tmp_path / "photo.jpg", 5)
    answer = asyncio.run(post_photo(service["app"], photo))
    assert answer.status_code == 200
    [expected] = predict_by_keras(model, [pixels[None] for pixels in decode_at_sizes(photo, card.image_sizes)])
    assert answer.json().keys() == {"a", "b", "c"}
    assert np.array(list(answer.json().values())) == pytest.approx(expected, abs=1e-5)
