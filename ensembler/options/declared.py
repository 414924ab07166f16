"""All options of training, each declared once: its type, limits, default, placeholder and description.

The command line, files of options, keywords in Python and the documents all derive from these declarations. Help texts
take the title of a group and the descriptions of its options from its docstring.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from ..backbones.custom import parse_custom_backbone, read_backbone_table
from ..backbones.registry import Backbone, Pooling, Precision
from ..errors import BadChoice
from ..images.augmentation import Augmentation
from ..images.views import Views
from ..paths import PathLike
from .kinds import InvalidValue, Seed, declare
from .phases import BatchNormTraining, Epochs, LearningRate, Phase, Unfreeze, read_phase
from .settings import ClassWeights, HeadStart

Preset = Literal["quick", "good", "best"]
EngineName = Literal["local", "ray"]


def _read_phases(value: object) -> tuple[Phase, ...]:
    # A single text is a single phase, as one --phase is.
    phases = [value] if isinstance(value, str) else value
    if not isinstance(phases, Sequence) or not phases:
        raise InvalidValue("takes at least one phase in a list")
    return tuple(read_phase(phase) for phase in phases)


def _read_weights(value: object) -> str:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text.strip():
        raise InvalidValue("takes imagenet, none or FOLDER")
    return text


def _read_file(value: object) -> Path:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise InvalidValue("must be the path of a file")
    return Path(value)


def _read_track(value: object) -> str:
    if value != "mlflow":
        raise InvalidValue("takes mlflow")
    return "mlflow"


def _read_path(value: object) -> str:
    # Text, because `ensembler config` prints it as TOML.
    return os.fspath(_read_file(value))


def _read_backbones(value: object) -> tuple[Backbone, ...]:
    if isinstance(value, Mapping):
        backbones = tuple(read_backbone_table(name, table) for name, table in value.items())
    elif isinstance(value, str | Backbone):
        return _read_backbones([value])
    elif isinstance(value, list | tuple) and all(isinstance(one, str | Backbone) for one in value):
        backbones = tuple(one if isinstance(one, Backbone) else parse_custom_backbone(one) for one in value)
    else:
        raise InvalidValue("takes backbones in a list, such as NAME=module:function,size=224 or NAME=FILE.keras")
    names = [backbone.name for backbone in backbones]
    if len(set(names)) < len(names):
        raise BadChoice(f"Name each custom backbone once. Received: {', '.join(names)}")
    return backbones


Track = Annotated[Literal["mlflow"], declare("mlflow", read=_read_track)]
ImageSize = Annotated[int, declare("PIXELS", ge=8)]


class StartOptions(TypedDict, total=False):
    """Start.

    Attributes
    ----------
    weights
        Initial weights: ImageNet weights, random weights (none), or a folder of weights files.
    backbones
        Custom backbone, see docs/training.md. Repeatable.
    head
        Whether the head is fitted on frozen features before fine-tuning, or starts from random weights.
    image_size
        Height and width of the network's input. By default the size of the backbone.
    seed
        Seed of folds, random weights, shuffling and augmentation.
    """

    weights: Annotated[PathLike, declare("imagenet|none|FOLDER", default="imagenet", read=_read_weights)]
    backbones: Annotated[
        Mapping[str, Mapping[str, Any]] | Sequence[str | Backbone] | str, declare("[NAME=]SPEC", read=_read_backbones)
    ]
    head: Annotated[HeadStart, declare(default="fitted")]
    image_size: ImageSize
    seed: Seed


class FineTuningOptions(TypedDict, total=False):
    """Fine-tuning.

    Attributes
    ----------
    unfreeze
        Trainable part of the backbone: nothing, everything, its last N layers with weights, or a block such as block5
        and everything after it. The head is always trained.
    epochs
        Passes over the training photos.
    learning_rate
        Peak learning rate of the head, reached after the warm-up.
    batch_norm
        Whether the BatchNormalization layers of the backbone are trained.
    phases
        A phase of fine-tuning, in place of the four options above, such as 'from:block5 epochs=5 learning-rate=1e-3'.
        Repeatable.
    first_block_rate
        Learning rate of the backbone's first block as a fraction of the head's. It grows geometrically in between.
    patience
        Epochs without a better validation log loss after which a phase stops. 0 trains all epochs on all photos.
    """

    unfreeze: Unfreeze
    epochs: Epochs
    learning_rate: LearningRate
    batch_norm: BatchNormTraining
    phases: Annotated[Sequence[Phase | str | Mapping[str, Any]] | str, declare("PHASE", read=_read_phases)]
    first_block_rate: Annotated[float, declare("FACTOR", default=0.1, gt=0, le=1)]
    patience: Annotated[int, declare("EPOCHS", default=0, ge=0)]


class HeadOptions(TypedDict, total=False):
    """Head.

    Attributes
    ----------
    pooling
        Global pooling of the feature maps.
    hidden
        Units of a dense layer before the output layer. 0 omits it.
    dropout
        Dropout rate before each dense layer.
    """

    pooling: Annotated[Pooling, declare(default="average")]
    hidden: Annotated[int, declare("UNITS", default=0, ge=0)]
    dropout: Annotated[float, declare("RATE", default=0.0, ge=0, lt=1)]


class PhotoOptions(TypedDict, total=False):
    """Photos and labels.

    Attributes
    ----------
    flips
        Fit the head on mirrored photos too. If disabled, augmentation and tta mirror no photos by default.
    augmentation
        Augmentation of training photos in fine-tuning.
    tta
        Views of each photo whose predictions are averaged. Use rotations for orientation tasks.
    label_smoothing
        Share of each label that is spread evenly over all classes.
    class_weights
        Weights in the loss: none weights each photo equally, balanced each class.
    exclude
        File of photos that are not learned from: a table such as check/doubts.csv, or a text file of ids.
    relabel
        File of photos that are learned from with another label: a table such as check/doubts.csv.
    """

    flips: bool
    augmentation: Augmentation
    tta: Views
    label_smoothing: Annotated[float, declare("SHARE", ge=0, lt=1)]
    class_weights: Annotated[ClassWeights, declare(default="none")]
    exclude: Annotated[PathLike, declare("FILE", read=_read_path)]
    relabel: Annotated[PathLike, declare("FILE", read=_read_path)]


class StepOptions(TypedDict, total=False):
    """Steps.

    Attributes
    ----------
    batch_size
        Photos per step. By default as many as fit into memory.
    weight_decay
        Weight decay of AdamW, applied to kernels only.
    clip_norm
        Maximum global norm of the gradients. 0 disables clipping.
    ema
        Decay rate of the exponential moving average of the weights. 0 disables it.
    precision
        Data type of the layers' computations. auto selects the fastest that the GPU supports.
    data_parallel
        Train one network at a time on all GPUs.
    """

    batch_size: Annotated[int, declare("PHOTOS", ge=1)]
    # 0.01 is usual with AdamW.
    weight_decay: Annotated[float, declare("RATE", default=0.01, ge=0, lt=1)]
    # Clipping made photos that a network gets badly wrong count less, and the log loss worse (docs/training.md).
    clip_norm: Annotated[float, declare("NORM", default=0.0, ge=0)]
    ema: Annotated[float, declare("DECAY", ge=0, lt=1)]
    precision: Annotated[Literal["auto", Precision], declare(default="auto")]
    data_parallel: Annotated[bool, declare(default=False)]


class TrainingOptions(StartOptions, FineTuningOptions, HeadOptions, PhotoOptions, StepOptions, total=False):
    """Options of training. The preset, the family of the backbone and the machine set what is left out.

    Examples
    --------
    >>> options = ensembler.TrainingOptions(weights="none", unfreeze="all", epochs=2)
    >>> members = ensembler.train_members(["demo-dense"], competition="pets", **options)
    """


class RunOptions(TypedDict, total=False):
    """Options.

    Attributes
    ----------
    preset
        Preset of the options of training.
    config
        TOML file of options, as `ensembler config` prints it.
    name
        Name of the member, if a single one is trained. By default as in the list of members.
    folds
        Number of folds, shared by all members. 1 holds out a fifth of the photos. By default the existing folds, else
        5.
    repeats
        Number of repetitions of the folds, each with another shuffling. By default the existing number, else 1.
    restart
        Discard earlier training of these members.
    refit
        Train one more network of each member on all photos, for `stack --refit`.
    pseudo_labels
        Stack whose members label photos to predict. Confident labels join the training photos.
    confidence
        Minimum probability of a pseudo-label, between 0.5 and 1.
    teacher
        Stack that teaches: members learn its probabilities and the labels, see docs/distillation.md.
    temperature
        Temperature of the teacher's and the student's probabilities. Higher ones show more of the less likely classes.
    soft_weight
        Share of the teacher's probabilities in the loss. The rest is for labels.
    time_budget
        Time limit of the whole call, such as 90s, 10m or 1h30m. Epochs are cut first, then folds, then sizes.
    checkpoint_minutes
        Minutes between checkpoints of fine-tuning. By default one after each epoch.
    tensorboard
        Write the metrics of each epoch to logs/tensorboard for TensorBoard.
    track
        Track members and folds as runs in MLflow, see docs/tracking.md.
    runtime
        Runtime of predictions without a GPU. auto selects the fastest.
    runtime_precision
        Precision of frozen features without a GPU. auto selects bfloat16 where it is faster and changes no head.
    cache_limit
        Disk space for decoded photos, such as 20GB. 0 stores none. By default half of the free space.

    Examples
    --------
    >>> options = ensembler.RunOptions(preset="quick", folds=3, time_budget="1h")
    >>> options["folds"]
    3
    """

    preset: Annotated[Preset, declare(default="good")]
    config: Annotated[PathLike, declare("FILE.toml", read=_read_file)]
    name: Annotated[str, declare("NAME")]
    folds: Annotated[int, declare("N", ge=1)]
    repeats: Annotated[int, declare("N", ge=1)]
    restart: Annotated[bool, declare("flag")]
    refit: Annotated[bool, declare("flag")]
    pseudo_labels: Annotated[str, declare("STACK")]
    confidence: Annotated[float, declare("PROBABILITY", default=0.99)]
    teacher: Annotated[str, declare("STACK")]
    temperature: Annotated[float, declare("T", default=2.0, ge=1, le=100)]
    soft_weight: Annotated[float, declare("SHARE", default=0.9, gt=0, le=1)]
    time_budget: Annotated[str | float, declare("TIME")]
    checkpoint_minutes: Annotated[float, declare("MINUTES", gt=0)]
    tensorboard: Annotated[bool, declare("flag")]
    track: Track
    runtime: Annotated[str, declare("auto|keras|graph|onnx|openvino")]
    runtime_precision: Annotated[str, declare("auto|float32|bfloat16")]
    cache_limit: Annotated[str | int, declare("SIZE")]


class EngineOptions(TypedDict, total=False):
    """Machines.

    Attributes
    ----------
    engine
        Machines that run the jobs: this one, or those of a Ray cluster.
    ray_address
        Address of the cluster, such as HOST:6379. By default that of RAY_ADDRESS, else a cluster on this machine.
    shared_folder
        Whether all machines of the cluster see the folders of competitions under the same paths. If not, files are
        sent to the machines and back.
    job_processors
        Processors of each job without a GPU. By default all processors of a machine.

    Examples
    --------
    >>> machines = ensembler.EngineOptions(engine="local", job_processors=2)
    >>> members = ensembler.train_members(["demo-dense"], competition="pets", weights="none", epochs=2, **machines)
    """

    engine: Annotated[EngineName, declare(default="local")]
    ray_address: Annotated[str, declare("HOST:PORT")]
    shared_folder: Annotated[bool, declare()]
    job_processors: Annotated[int, declare("N", ge=1)]


class TrainMembersOptions(RunOptions, EngineOptions, TrainingOptions, total=False):
    """Keywords of :func:`ensembler.train_members` that are also options of the command line."""
