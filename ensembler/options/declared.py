"""All options of training in one declaration: for Python, for a file of options and, by name, for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from ..backbones.custom import CustomBackbone, make_custom_backbone, parse_custom_backbone
from ..backbones.registry import Pooling, Precision
from ..errors import BadChoice
from ..images.augmentation import Augmentation
from ..images.views import Views
from .kinds import InvalidValue, Number, read_value
from .phases import EPOCHS_RANGE, LEARNING_RATE_RANGE, BatchNorm, Phase, check_unfreeze, read_phase
from .settings import ClassWeights, HeadStart

# NumPy and Keras take seeds of 32 bits, and folds add their number.
_SEED_LIMIT = 2**31

_BACKBONES_FORM = "takes backbones in a list, such as NAME=module:function,size=224 or NAME=FILE.keras"

PrecisionChoice = Literal["auto", Precision]
Backbones = Mapping[str, Mapping[str, Any]] | Sequence[str | CustomBackbone]


def _read_phases(value: object) -> tuple[Phase, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise InvalidValue("takes at least one phase in a list")
    return tuple(read_phase(phase) for phase in value)


def _read_backbones(value: object) -> tuple[CustomBackbone, ...]:
    if isinstance(value, Mapping):
        backbones = tuple(_read_backbone_table(name, table) for name, table in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        backbones = tuple(map(_read_backbone_text, value))
    else:
        raise InvalidValue(_BACKBONES_FORM)
    names = [own.backbone.name for own in backbones]
    if len(set(names)) < len(names):
        raise BadChoice(f"Name each backbone of your own once. Received: {', '.join(names)}")
    return backbones


def _read_backbone_text(value: object) -> CustomBackbone:
    if isinstance(value, CustomBackbone):
        return value
    if not isinstance(value, str):
        raise InvalidValue(_BACKBONES_FORM)
    return parse_custom_backbone(value)


def _read_backbone_table(name: str, table: object) -> CustomBackbone:
    if not isinstance(table, Mapping):
        raise BadChoice(f"[backbones.{name}] must be a table with builder or file, image_size and preprocessing.")
    parts = {key.replace("-", "_"): value for key, value in table.items()}
    known = ("builder", "file", "image_size", "preprocessing")
    if unknown := sorted(parts.keys() - set(known)):
        raise BadChoice.from_unknown_name(f"part of [backbones.{name}]", unknown[0], known)
    sources = [parts[key] for key in ("builder", "file") if key in parts]
    if len(sources) != 1:
        raise BadChoice(f"[backbones.{name}] needs either builder = 'module:function' or file = 'FILE.keras'.")
    size = parts.get("image_size")
    if size is not None:
        size = read_value(f"image_size of [backbones.{name}]", Number(int, ("at least", 8)), size)
    return make_custom_backbone(str(sources[0]), name, size, str(parts.get("preprocessing", "inside")))


class TrainingOptions(TypedDict, total=False):
    """How members are trained; what is left out is chosen by preset, family of the backbone and machine.

    Attributes
    ----------
    weights
        What networks start from: ``imagenet``, ``none``, or a folder of weights.
    unfreeze
        What is trained of the backbone: ``none``, ``all``, ``last:N`` or ``from:BLOCK``; see :class:`Phase`.
    epochs
        Passes of fine-tuning.
    learning_rate
        The highest of fine-tuning, of the head.
    batch_norm
        Whether fine-tuning trains BatchNormalization: ``frozen`` or ``train``.
    phases
        Several stretches of fine-tuning, in the place of ``unfreeze``, ``epochs``, ``learning_rate`` and
        ``batch_norm``: each a :class:`Phase`, what is typed after ``--phase``, or a table.
    head
        ``fitted`` on frozen features before fine-tuning, or ``random``.
    pooling
        Over places: ``average`` or ``max``.
    hidden
        Units of a dense layer between features and probabilities; 0 for none.
    dropout
        Share of what enters a dense layer that is dropped in training.
    flips
        Whether the head is fitted on mirrored photos too. False also keeps mirrored photos out of the defaults of
        ``augmentation`` and ``tta``.
    augmentation
        Of training photos: ``none``, ``crops``, ``pixels`` or ``strong``.
    label_smoothing
        Share of a label that is spread over all classes.
    class_weights
        ``balanced`` gives each class the same weight in the loss, ``none`` each photo.
    weight_decay
        Of AdamW, on kernels alone.
    clip_norm
        Largest norm of all gradients together; 0 for no limit.
    first_block_rate
        Learning rate of the backbone's first block as a share of the head's.
    ema
        Share of the running mean of the weights that is kept at each step; 0 for no mean.
    patience
        Epochs without a better log loss after which a phase ends; 0 for never.
    precision
        Of the layers' arithmetic: ``float32``, ``bfloat16``, ``float16``, or ``auto`` for what the GPU is fast at.
    tta
        Views of a photo that are averaged when it is predicted: ``none``, ``flip`` or ``crops``.
    image_size
        Height and width in pixels.
    batch_size
        Photos a step.
    seed
        Of folds, random weights, the order of photos and augmentation.
    backbones
        A person's own: each what is typed after ``--backbone``, or a table by its name.
    data_parallel
        Whether all GPUs work on one network at a time.
    """

    weights: str
    unfreeze: Annotated[str, check_unfreeze]
    epochs: Annotated[int, EPOCHS_RANGE]
    learning_rate: Annotated[float, LEARNING_RATE_RANGE]
    batch_norm: BatchNorm
    phases: Annotated[Sequence[Phase | str | Mapping[str, Any]], _read_phases]
    head: HeadStart
    pooling: Pooling
    hidden: Annotated[int, Number(int, ("at least", 0))]
    dropout: Annotated[float, Number(float, ("at least", 0), ("below", 1))]
    flips: bool
    augmentation: Augmentation
    label_smoothing: Annotated[float, Number(float, ("at least", 0), ("below", 1))]
    class_weights: ClassWeights
    weight_decay: Annotated[float, Number(float, ("at least", 0), ("below", 1))]
    clip_norm: Annotated[float, Number(float, ("at least", 0))]
    first_block_rate: Annotated[float, Number(float, ("above", 0), ("at most", 1))]
    ema: Annotated[float, Number(float, ("at least", 0), ("below", 1))]
    patience: Annotated[int, Number(int, ("at least", 0))]
    precision: PrecisionChoice
    tta: Views
    image_size: Annotated[int, Number(int, ("at least", 8))]
    batch_size: Annotated[int, Number(int, ("at least", 1))]
    seed: Annotated[int, Number(int, ("at least", 0), ("below", _SEED_LIMIT))]
    backbones: Annotated[Backbones, _read_backbones]
    data_parallel: bool
