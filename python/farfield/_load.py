"""Folders that runs and sweeps leave, read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _farfield
from ._errors import named
from ._facts import angle, read
from ._limit import Limit
from ._run import Run, Trace
from ._sweep import Sweep, merged
from ._table import Table, read_csv

__all__ = ["load"]


def load(path: str | os.PathLike[str], verify: bool = True) -> Run | Limit | Sweep:
    """Reads the folder of a run, of a limit, or of a sweep, whoever wrote it.

    Parameters
    ----------
    path
        The folder.
    verify
        Whether the files of a run or a limit must have the digests that its result.json lists.

    Examples
    --------
    >>> import farfield as ff, tempfile
    >>> run = ff.mixture(n=20, d=400).run(steps=1000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = ff.load(run.save(folder + "/run"))
    ...     bool((again.margins == run.margins).all())
    True
    """
    folder = Path(path)
    if (folder / "plan.toml").is_file():
        return merged(folder)
    if not (folder / "result.json").is_file():
        raise FileNotFoundError(f"no finished run, no limit and no sweep there: {folder}")
    if verify:
        with named():
            _farfield.verify(folder)
    facts = read((folder / "result.json").read_text(encoding="utf-8"))

    def array(name: str) -> NDArray[Any] | None:
        file = folder / f"{name}.npy"
        return np.load(file) if file.is_file() else None

    if not (folder / "trace.csv").is_file():
        return Limit(facts, array, lambda: _summary_of_limit(folder, facts))
    precision, held_out = folder / "precision.csv", folder / "held_out.csv"
    run = Run(
        facts,
        Trace(read_csv(folder / "trace.csv")),
        read_csv(precision) if precision.is_file() else Table({}),
        array,
        lambda: _summary(folder, facts),
        read_csv(held_out) if held_out.is_file() else None,
    )
    run._folder = folder
    return run


def _summary_of_limit(folder: Path, facts: dict[str, Any]) -> str:
    if facts["status"] == "interrupted":
        return f"<farfield.Limit of {folder}: interrupted before it was solved>"
    with named():
        return _farfield.summary_of_limit(folder)


def _summary(folder: Path, facts: dict[str, Any]) -> str:
    bound = angle(facts.get("certified_cosine_gap"))
    certified = "no certificate" if bound is None else f"certified angle ≤ {bound:.6f} rad"
    margin = facts.get("max_margin")
    limit = "no limit known" if margin is None else f"max margin {margin!r}"
    lines = [
        f"<farfield.Run of {folder}: {facts['status']} at t = {facts['steps']:g}",
        f"  {certified}, {limit}",
        f"  digest {facts.get('digest')}>",
    ]
    return "\n".join(lines)
