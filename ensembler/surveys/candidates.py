"""A backbone in a survey."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backbones.registry import Backbone, find_backbone
from ..images.views import WHOLE_VIEW
from ..inference.speeds import locate_speed
from ..members.features.files import build_feature_path
from ..members.features.parts import FeatureParts, open_features
from ..members.records import MemberRecord
from ..members.work import estimate_photo_work
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint


@dataclass(frozen=True)
class Candidate:
    """A frozen backbone on a competition's photos: the member that ``train-members`` would make of it.

    ``record`` has the settings, samples and folds, and ``weights`` is the source of the weights.
    """

    record: MemberRecord
    weights: str

    @property
    def name(self) -> str:
        """The backbone's name."""
        return self.record.name

    @property
    def image_size(self) -> int:
        """Height and width of photos in pixels."""
        return self.record.settings.image_size

    @property
    def backbone(self) -> Backbone:
        """Description of the network."""
        return find_backbone(self.record.settings.backbone)

    @property
    def work(self) -> float:
        """Work of one photo; see :mod:`ensembler.members.work`."""
        return estimate_photo_work(self.backbone, self.image_size)

    @property
    def key(self) -> str:
        """Hash of what its features depend on."""
        settings = self.record.settings
        values = [settings.backbone, settings.weights, settings.image_size, settings.pooling, settings.seed]
        return compute_fingerprint([*values, self.record.samples])

    def locate_speed(self, device: Any) -> Path:
        """Return the file of its speed on a device in the cache."""
        settings = self.record.settings
        network = [settings.backbone, settings.weights, settings.pooling]
        return locate_speed(network, settings.image_size, settings.batch_size, "float32", device)

    def load_features(self, folder: CompetitionFolder, photos: int) -> FeatureParts:
        """Return its known features; ``photos`` counts those to learn from and those to predict."""
        return open_features(self.locate_features(folder), photos)

    def locate_features(self, folder: CompetitionFolder) -> Path:
        """Return the file of its features, for a survey and for training."""
        return build_feature_path(folder, self.record, WHOLE_VIEW)
