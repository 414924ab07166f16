"""Figures as a person reads them in a display: times, sizes."""

from __future__ import annotations

from rich.filesize import decimal

_SECONDS_PER_DAY = 24 * 3600


def format_duration(seconds: float) -> str:
    """``0:07``, ``1:05:00``, ``2 d 3:00:00``."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, _SECONDS_PER_DAY)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours or days else f"{rest // 60}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def format_quantity(number: int, unit: str) -> str:
    """``1.2 MB`` for bytes, ``12 photos``, or the number alone where there is no unit."""
    return decimal(number) if unit == "bytes" else f"{number} {unit}".rstrip()


def format_memory(memory: int | None, gpu_memory: int | None) -> str:
    """``1.4 GB``, ``1.4 + 12.0 GB``; empty where nobody tells."""
    known = [f"{amount / 1e9:.1f}" for amount in (memory, gpu_memory) if amount is not None]
    return f"{' + '.join(known)} GB" if known else ""


def format_loss(loss: float | None) -> str:
    """``0.0423``; empty where there is none."""
    return "" if loss is None else f"{loss:.4f}"


def format_rate(rate: float | None) -> str:
    """``1234``, ``56``, ``7.8``; empty where there is none."""
    if not rate:
        return ""
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"


def format_fold(fold: int) -> str:
    """``fold 2``, or ``all photos`` where none is held out."""
    return "all photos" if fold < 0 else f"fold {fold}"
