"""Sweeps: the same question for every cell of a grid."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import _farfield, _toml
from ._errors import named
from ._progress import Progress, shown
from ._table import Table, read_csv

__all__ = ["Sweep", "sweep"]


class Sweep(Table):
    """A row a problem: the keys of the grid, repetition, status, seed, and every number of the results."""

    summary: Table
    """A row a cell: count, mean, sd, se, median, q05 and q95 of each number, and counts of each status."""
    failed: int
    """Problems that ended in an error."""
    missing: int
    """Problems without a row."""

    def __init__(self, rows: Table, summary: Table, failed: int, missing: int) -> None:
        super().__init__(rows)
        self.summary = summary
        self.failed = failed
        self.missing = missing

    def plot(self, x: str, y: str, ax: Any = None) -> Any:
        """Medians of column ``y`` over the key ``x`` of the grid, a line for each value of the other keys, with the
        range from q05 to q95; needs matplotlib. The axes.

        The scales are logarithmic where every value is positive and they span more than a decade.
        """
        from ._plot import sweep

        return sweep(self, x, y, ax)


def sweep(
    plan: str | os.PathLike[str] | Mapping[str, Any],
    dir: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    retry_failed: bool = False,
    progress: Progress = False,
) -> Sweep:
    """Solves every problem of a plan (docs/sweeps.md), a thread each; Ctrl-C ends it, and it goes on if called again.

    Parameters
    ----------
    plan
        The path of a plan, its text in TOML, or the same as nested dictionaries.
    dir
        The folder that ``farfield sweep -o`` writes; it goes on where it was. None: nothing is kept.
    threads
        None: as many as there are cores. The tables do not depend on it.
    retry_failed
        Whether problems that ended in an error are solved again.
    progress
        Whether to show on stderr how many problems are done; or a function of a text and a share.

    Examples
    --------
    >>> import farfield as ff
    >>> found = ff.sweep({"seeds": 2, "base": {"data": {"n": 10, "d": 100}}, "grid": {"data.signal": [1, 2]}})
    >>> found.rows, found.summary["max_margin.count"]
    (4, array([2, 2]))
    """
    text, base = _plan(plan)
    count = threads if threads is not None else os.cpu_count() or 1
    if count < 1:
        raise ValueError(f"threads = {threads}: expected 1 or more")
    if dir is not None:
        return _solve(text, base, Path(dir), count, retry_failed, progress)
    with tempfile.TemporaryDirectory() as folder:
        return _solve(text, base, Path(folder), count, retry_failed, progress)


def _plan(plan: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[str, Path]:
    if isinstance(plan, Mapping):
        return _toml.dumps(plan), Path()
    if isinstance(plan, str) and ("\n" in plan or "=" in plan):
        return plan, Path()
    path = Path(plan)
    return path.read_text(encoding="utf-8"), path.parent


def _solve(plan: str, base: Path, folder: Path, threads: int, retry: bool, progress: Progress) -> Sweep:
    with named(), shown(progress) as tell:
        _, failed, _ = _farfield.sweep(plan, base, folder, threads, retry, tell)
    return merged(folder, failed)


def merged(folder: Path, failed: int | None = None) -> Sweep:
    """The tables of the shards in a folder."""
    with named():
        _, missing = _farfield.merge(folder)
    rows = read_csv(folder / "sweep.csv")
    if failed is None:
        failed = int((rows["status"] == "failed").sum()) if rows.rows else 0
    return Sweep(rows, read_csv(folder / "summary.csv"), failed, missing)
