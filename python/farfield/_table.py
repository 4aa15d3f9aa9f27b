"""Tables as columns of NumPy."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Table", "read_csv"]


class Table(Mapping[str, "NDArray[Any]"]):
    """Columns by name, each a NumPy array of one length; every name is an attribute, too.

    >>> table = Table({"t": np.array([0.0, 1.0]), "flips": np.array([0, 3])})
    >>> table.flips
    array([0, 3])
    >>> table
    Table of 2 rows: t, flips
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns: dict[str, NDArray[Any]] = {name: np.asarray(values) for name, values in columns.items()}

    @property
    def columns(self) -> list[str]:
        """The names, in order."""
        return list(self._columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"no column {name!r}; there are: {', '.join(self._columns)}")
        return self._columns[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._columns]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {self.rows} rows: {', '.join(self._columns)}"

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """The columns as a dictionary."""
        return dict(self._columns)

    def to_pandas(self) -> Any:
        """As a ``pandas.DataFrame``; pandas has to be installed."""
        import pandas as pd  # type: ignore[import-untyped,unused-ignore]

        return pd.DataFrame(self._columns)

    def to_polars(self) -> Any:
        """As a ``polars.DataFrame``; polars has to be installed."""
        import polars as pl

        return pl.DataFrame(self._columns)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """As a stream of Arrow, which polars, pyarrow, DuckDB and others read; no package is needed here.

        Another schema that is requested is left to the reader, as the interface allows.
        """
        from ._arrow import stream

        return stream(self._columns, self.rows)

    def _repr_html_(self) -> str:
        from ._html import table

        return table(self)


def read_csv(path: Path) -> Table:
    """A table that the command line wrote: numbers where every field is one or empty, else texts."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names, body = rows[0], rows[1:]
    return Table({name: _column([row[k] for row in body]) for k, name in enumerate(names)})


def _column(texts: list[str]) -> NDArray[Any]:
    try:
        return np.array([int(text) for text in texts])
    except (ValueError, OverflowError):
        pass
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array(texts)
