"""Formatting of times, amounts and speeds for the display."""

from __future__ import annotations

from rich.filesize import decimal

_SECONDS_PER_DAY = 24 * 3600


def format_duration(seconds: float) -> str:
    """Format a time such as ``0:07``, ``1:05:00`` or ``2 d 3:00:00``."""
    days, rest = divmod(max(0, round(seconds)), _SECONDS_PER_DAY)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours or days else f"{rest // 60}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def format_quantity(number: int, unit: str) -> str:
    """Format an amount such as ``1.2 MB`` for bytes or ``12 photos``. Without a unit, return the number."""
    return decimal(number) if unit == "bytes" else f"{number} {unit}".rstrip()


def format_memory(memory: int | None, gpu_memory: int | None) -> str:
    """Format the main memory and the GPU memory of a process, such as ``1.4 + 12.0 GB``. Empty if unknown."""
    known = [f"{amount / 1e9:.1f}" for amount in (memory, gpu_memory) if amount is not None]
    return f"{' + '.join(known)} GB" if known else ""


def format_rate(rate: float | None) -> str:
    """Format a speed such as ``1234``, ``56`` or ``7.8``. Empty if unknown."""
    if not rate:
        return ""
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"


def format_fold(fold: int) -> str:
    """Format a fold as ``fold 2``, or as ``all photos`` if none is held out."""
    return "all photos" if fold < 0 else f"fold {fold}"
