from __future__ import annotations

from ensembler.backbones.accuracy import find_published_accuracy
from ensembler.backbones.registry import BACKBONES


def test_what_keras_documents_is_known_and_nothing_else() -> None:
    unknown = {
        name for name, backbone in BACKBONES.items() if find_published_accuracy(name) is None and not backbone.tiny
    }
    # Other widths than 1 of the first two MobileNets.
    assert unknown == {name for name in BACKBONES if name.startswith(("mobilenet-", "mobilenetv2-"))}
    known = [accuracy for name in BACKBONES if (accuracy := find_published_accuracy(name))]
    assert min(known) == find_published_accuracy("mobilenetv3s-0.75") == 0.654
    assert max(known) == find_published_accuracy("convnextxl") == 0.867
