"""Command-line options of training, created from their declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import Option, PhraseType, SectionedCommand

if TYPE_CHECKING:
    from ..options.reading import Option as Declared

_FORMER = {"name": "--as", "augmentation": "--augment"}


class TrainingCommand(SectionedCommand):
    """A command with the options of training. Their declarations are loaded together with the command."""

    # Names of the accepted options of a call, of its engine and of training. None accepts all.
    run: tuple[str, ...] | None = None
    engine: tuple[str, ...] | None = None
    training: tuple[str, ...] | None = None

    _is_complete = False

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own options, followed by the declared ones."""
        from ..options.reading import ENGINE, OPTIONS, RUN

        if not self._is_complete:
            self._is_complete = True
            for known, names in ((RUN, self.run), (ENGINE, self.engine), (OPTIONS, self.training)):
                accepted = (known.keys() if names is None else known.keys() & set(names)) - self.list_excluded()
                self.params += [_make_option(each) for name, each in known.items() if name in accepted]
        return super().get_params(ctx)

    def list_excluded(self) -> set[str]:
        """Return the names of options that are not accepted although their group is."""
        return set()


class ConfigCommand(TrainingCommand):
    """A command that shows the options of training without training."""

    run = ("preset", "config")
    engine = ()


class SurveyCommand(TrainingCommand):
    """A command that computes features of frozen backbones."""

    run = ("runtime", "cache_limit")
    training = ("weights", "image_size", "seed")


class DistillationCommand(TrainingCommand):
    """A command that trains members with a teacher."""

    def list_excluded(self) -> set[str]:
        """Return the names of options that are not accepted although their group is."""
        from ..options.distillation import EXCLUDED_OPTIONS

        return set(EXCLUDED_OPTIONS)


class EngineCommand(TrainingCommand):
    """A command that trains nothing and runs jobs."""

    run = ()
    training = ()


def _make_option(declared: Declared) -> Option:
    """Return an option whose value is text. :mod:`..options.reading` checks values from all sources."""
    from ..callers import format_option

    typed = format_option(declared.name)
    kind: dict[str, Any] = {"type": PhraseType(), "metavar": declared.metavar, "multiple": declared.is_repeated}
    if declared.metavar in ("", "flag"):
        kind = {"is_flag": True, "default": None}
        typed += "" if declared.metavar else "/" + format_option(declared.name, value=False)
    former = [_FORMER[declared.name]] if declared.name in _FORMER else []
    return Option([typed, declared.name], help=declared.help, section=declared.section, former=former, **kind)


def select_given_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the user gave."""
    return {name: value for name, value in options.items() if value not in (None, ())}
