"""Tables of results, as text for terminals and as HTML for notebooks."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import IO, Any, SupportsIndex, TypeVar, overload

from .errors import BadChoice
from .serialization import Exported, convert_to_plain

T = TypeVar("T")
# The terminal wraps wider tables. With the terminal's width, rich would truncate their cells.
_UNLIMITED_WIDTH = 10_000
# Least width of the last column in narrow terminals.
_MIN_LAST_WIDTH = 12
_SEPARATOR = "  "


@dataclass(frozen=True)
class Table:
    """Table with notes below it.

    Attributes
    ----------
    columns, rows
        Names of the columns, and cells of the rows. Without columns, only the notes are written.
    text_columns
        Names of columns that are aligned to the left like the first one. Others are aligned to the right.
    notes
        Sentences below the table.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    text_columns: Collection[str] = ()
    notes: Sequence[str] = ()

    def write(self, file: IO[str] | None = None, *, width: int | None = None) -> None:
        """Write the table as text.

        Parameters
        ----------
        file
            File to write to. None writes to standard output, with bold names of columns on a terminal.
        width
            Width of the terminal, to which the cells of the last column are shortened. None does not shorten them.
        """
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table as RichTable

        table = RichTable(box=None, pad_edge=False, header_style="bold")
        for column, justify in zip(self.columns, self._list_alignments(), strict=True):
            table.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]
        if width is not None and self.columns:
            cells_by_column = zip(self.columns, *self.rows, strict=True)
            *others, _ = (max(cell_len(str(cell)) for cell in cells) for cells in cells_by_column)
            table.columns[-1].max_width = max(_MIN_LAST_WIDTH, width - sum(others) - len(_SEPARATOR) * len(others))
        for row in self.rows:
            table.add_row(*map(str, row))
        console = Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True, width=_UNLIMITED_WIDTH)
        lines = [*([table] if self.columns else []), *([""] if self.columns and self.notes else []), *self.notes]
        with console.capture() as captured:
            for line in lines:
                console.print(line)
        for line in captured.get().splitlines():
            console.file.write(line.rstrip() + "\n")

    def _list_alignments(self) -> list[str]:
        texts = {*self.columns[:1], *self.text_columns}
        return ["left" if column in texts else "right" for column in self.columns]

    def __str__(self) -> str:
        text = io.StringIO()
        self.write(text)
        return text.getvalue().rstrip("\n")

    def to_html(self) -> str:
        """Return the table and its notes as HTML."""
        aligned = [f' style="text-align: {side}"' for side in self._list_alignments()]
        lines = [_format_row("th", aligned, self.columns), *(_format_row("td", aligned, row) for row in self.rows)]
        table = f"<table>{''.join(lines)}</table>" if self.columns else ""
        notes = escape("\n".join(self.notes))
        return table + (f'<pre style="white-space: pre-wrap">{notes}</pre>' if notes else "")


def _format_row(tag: str, attributes: Sequence[str], cells: Iterable[Any]) -> str:
    inner = "".join(f"<{tag}{style}>{escape(str(cell))}</{tag}>" for style, cell in zip(attributes, cells, strict=True))
    return f"<tr>{inner}</tr>"


class Shown(Exported):
    """Base class of results that are printed and shown in notebooks as tables."""

    def build_table(self) -> Table:
        """Return the result as a table with notes."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return str(self.build_table())

    def _repr_html_(self) -> str:
        return self.build_table().to_html()


class Listing(Shown, list[T]):
    """List that is shown as a table, and whose items are accessed by position or name.

    Parameters
    ----------
    items
        Items of the list.
    build
        Function that builds a table of items.
    keys
        Attributes of an item that are its names. The first item with a name is the one of that name.
    """

    def __init__(
        self, items: Iterable[T], build: Callable[[Sequence[T]], Table], *, keys: Sequence[str] = ("name",)
    ) -> None:
        super().__init__(items)
        self._build = build
        self._keys = keys

    def build_table(self) -> Table:
        """Return the items as rows of a table."""
        return self._build(self)

    def to_json(self) -> Any:
        """Return each item as plain data for JSON."""
        return convert_to_plain(list(self))

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> list[T]: ...
    def __getitem__(self, key: SupportsIndex | str | slice) -> T | list[T]:
        """Return the item at a position or with a name.

        Raises
        ------
        BadChoice
            If no item has this name.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        named = self._list_named()
        if key not in named:
            raise BadChoice.from_unknown_name("item", key, list(named), "" if named else "the list is empty.")
        return named[key]

    def __contains__(self, item: object) -> bool:
        """Return whether an item is in the list, or has this name."""
        return item in self._list_named() if isinstance(item, str) else super().__contains__(item)

    def _list_named(self) -> dict[str, T]:
        return {name: item for key in reversed(self._keys) for item in reversed(self) if (name := getattr(item, key))}
