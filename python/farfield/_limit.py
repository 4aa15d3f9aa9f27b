"""Limits, maximal margins, certificates and conditions: what is known without running gradient descent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _farfield
from ._errors import NotSeparable, named
from ._facts import Facts, angle, read
from ._progress import Progress, shown
from ._table import Table

__all__ = ["Certificate", "Checks", "Limit", "MaxMargin", "max_margin"]


class Limit:
    """The limit of gradient descent: every name of ``farfield limit``'s result.json is an attribute.

    ``status`` (``"solved"``, ``"not_separable"`` or ``"undecided"``), ``max_margin``, ``margin_interval``,
    ``direction_error``, ``limit_consistent``, ``inconsistent_pairs``, ``sliding``, ``support``, ``rate_exponent``,
    ``kkt_residual``, ``farkas_value``, ``test_error``, ``step_size``, ``lambda_max``, ``data_digest``, …

    Examples
    --------
    >>> import farfield as ff
    >>> limit = ff.mixture(n=20, d=400).limit()
    >>> limit.status, limit.sliding, round(float(limit.max_margin**2 * limit.dual.sum()), 12)
    ('solved', [], 1.0)
    """

    def __init__(
        self,
        facts: dict[str, Any],
        arrays: Callable[[str], NDArray[Any] | None],
        summary: Callable[[], str],
    ) -> None:
        self._facts = Facts(facts)
        self._arrays = arrays
        self._summary = summary
        self._core: _farfield.Limit | None = None

    @classmethod
    def _of_core(cls, core: _farfield.Limit) -> Limit:
        asked = {"dual": core.dual, "farkas": core.farkas, "slopes": core.slopes, "boundary": core.boundary}
        limit = cls(read(core.json()), lambda name: asked[name](), core.summary)
        limit._core = core
        return limit

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._facts, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._facts]

    def __repr__(self) -> str:
        return self._summary().rstrip("\n")

    @property
    def consistent(self) -> bool:
        """Whether the limit shows the sides that it was computed from (``limit_consistent``)."""
        return bool(self._facts["limit_consistent"])

    @property
    def dual(self) -> NDArray[np.float64] | None:
        """λ (n) with ``W* = Σ_i λ_i Φ_i``; of the ray where nothing separates the samples, None where that has none."""
        return self._arrays("dual")

    @property
    def farkas(self) -> NDArray[np.float64] | None:
        """Weights (n), nonnegative with sum 1, with which the features cancel where nothing separates the samples."""
        return self._arrays("farkas")

    @property
    def slopes(self) -> NDArray[np.float64] | None:
        """The effective slopes (n×m), from the leak to 1."""
        return self._arrays("slopes")

    @property
    def boundary(self) -> NDArray[np.float64] | None:
        """w̄ (d): the boundary of the limit is ``⟨x, w̄⟩ = 0``; None where it is no plane."""
        return self._arrays("boundary")

    def weights(self) -> NDArray[np.float64] | None:
        """W* (m×d), of norm 1/γ*; None where there is none, or no original coordinates.

        A limit that was loaded does not have the samples that it takes: there it is a ValueError.
        """
        if self._core is None:
            raise ValueError("this limit was loaded from a folder, which has no weights: solve for it again")
        return self._core.weights()

    def to_dict(self) -> dict[str, Any]:
        """The content of result.json as plain dictionaries, lists and numbers."""
        return self._facts.to_dict()

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
        """Writes the folder that ``farfield limit`` writes; its path.

        Samples from arrays go into its folder ``inputs``, so that ``farfield limit DIR/config.toml`` repeats it.

        >>> import farfield as ff, tempfile
        >>> limit = ff.mixture(n=20, d=400).limit()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = ff.load(limit.save(folder + "/limit"))
        ...     again.max_margin == limit.max_margin, repr(again) == repr(limit)
        (True, True)
        """
        if self._core is None:
            raise ValueError("this limit was loaded from a folder: copy the folder")
        with named():
            self._core.save(Path(path), overwrite)
        return Path(path)


class MaxMargin:
    """The hard-margin support vector machine through the origin."""

    weights: NDArray[np.float64]
    """w* (d), the shortest with ``y_i ⟨x_i, w⟩ ≥ 1`` for every sample."""
    dual: NDArray[np.float64]
    """λ ≥ 0 (n) with ``w* = Σ_i λ_i y_i x_i``."""
    margin: float
    """γ* = 1/‖w*‖, the largest margin of a unit vector."""
    margin_interval: tuple[float, float]
    """Proved bounds of γ*, rounded outward."""
    direction_error: float
    """A proved bound of the distance between the directions of ``weights`` and of the solution."""
    kkt_residual: float
    """Backward error of the KKT conditions."""
    farkas: NDArray[np.float64] | None
    """Where the samples are not separable: weights (n) with which ``Σ_i λ_i y_i x_i = 0``; else None."""
    farkas_value: float | None
    """The relative change of each sample with which these cancel exactly."""
    classes: tuple[Any, Any]
    """The classes of −1 and +1."""

    def __init__(self, core: _farfield.Margin, classes: tuple[Any, Any]) -> None:
        proof = core.status == "not_separable"
        nan = float("nan")
        self.weights = np.empty(0) if core.weights is None else core.weights
        self.dual = np.empty(0) if proof else core.dual
        self.farkas = core.dual if proof else None
        self.margin = nan if core.max_margin is None else core.max_margin
        self.margin_interval = (nan, nan) if core.margin_interval is None else core.margin_interval
        self.direction_error = nan if core.direction_error is None else core.direction_error
        self.kkt_residual = nan if core.kkt_residual is None else core.kkt_residual
        self.farkas_value = core.farkas_value
        self.classes = classes
        self._ray = core.ray

    @property
    def support(self) -> NDArray[np.intp]:
        """The samples with λ > 0."""
        return np.flatnonzero(self.dual > 0)

    def __repr__(self) -> str:
        if self.farkas is not None:
            return f"<farfield.MaxMargin: not separable, the samples cancel up to {self.farkas_value:.1e}>"
        count = f"{len(self.support)} of {len(self.dual)} samples"
        return f"<farfield.MaxMargin: γ* = {self.margin!r}, {count} support it>"


def max_margin(X: Any, y: Any, positive_class: Any = None, progress: Progress = False) -> MaxMargin:
    """The hard-margin support vector machine through the origin, or the proof that there is none.

    Parameters
    ----------
    X, y, positive_class
        As in :class:`Problem`.

    Raises
    ------
    NotSeparable
        With the proof attached: ``result.farkas`` (n).
    ArithmeticError
        Where neither is proved.

    Examples
    --------
    >>> import farfield as ff
    >>> ff.max_margin([[3, 0], [0, 4], [-3, -4]], [1, 1, -1]).margin
    2.4
    >>> ff.max_margin([[1, 0], [2, 0]], [1, -1])
    Traceback (most recent call last):
    farfield._errors.NotSeparable: no hyperplane through the origin separates the samples, proved: see result.farkas
    """
    return _max_margin(X, y, positive_class, progress, ray=False)


def _max_margin(X: Any, y: Any, positive_class: Any, progress: Progress, ray: bool) -> MaxMargin:
    from ._problem import Problem

    problem = Problem(X, y, width=1, positive=1, step_size=1.0, positive_class=positive_class, progress=progress)
    with named(), shown(progress) as tell:
        core = _farfield.max_margin(problem._core, ray, tell)
    found = MaxMargin(core, problem.classes)
    if core.status == "not_separable":
        raise NotSeparable(
            "no hyperplane through the origin separates the samples, proved: see result.farkas", found
        )
    if core.status == "undecided":
        low, high = found.margin_interval
        raise ArithmeticError(f"undecided: the maximal margin is between {low:.3e} and {high:.3e}")
    return found


class Certificate:
    """A bound on the angle between W and the limit of its activation pattern, with the numbers that prove it."""

    cosine_gap: float
    """1 − cos(W, Ŵ) is at most this, rounding included."""
    rounding: float
    """The part of it that makes up for rounding."""
    min_margin: float
    """The least margin of W."""
    weight_norm: float
    """‖W‖."""
    weights: NDArray[np.float64]
    """p (n), nonnegative with sum 1: ``‖Σ_i p_i Φ_i‖`` is an upper bound of the max margin, by weak duality."""
    margin_bound: float
    """That bound."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.cosine_gap = float(facts["cosine_gap"])
        self.rounding = float(facts["rounding"])
        self.min_margin = float(facts["min_margin"])
        self.weight_norm = float(facts["weight_norm"])
        self.weights = np.asarray(facts["weights"], dtype=np.float64)
        self.margin_bound = float(facts["margin_bound"])

    @classmethod
    def _of_json(cls, text: str) -> Certificate:
        return cls(read(text))

    @property
    def angle(self) -> float:
        """The bound as an angle (radians)."""
        found = angle(self.cosine_gap)
        assert found is not None
        return found

    def __repr__(self) -> str:
        return f"<farfield.Certificate: angle ≤ {self.angle:.6f} rad, of which rounding {self.rounding:.1e}>"


class Checks(Mapping[str, Facts]):
    """The conditions of the theory: by their kind, as a table, and in words (``print``)."""

    table: Table
    """A row a condition: kind, name, value, relation, threshold, holds, source, note."""

    def __init__(self, text: str, report: str) -> None:
        self._rows: list[dict[str, Any]] = read(text)
        self._report = report
        names = ("kind", "name", "value", "relation", "threshold", "holds", "source", "note")
        self.table = Table({name: _column(name, [row[name] for row in self._rows]) for name in names})

    def __getitem__(self, kind: str) -> Facts:
        for row in self._rows:
            if row["kind"] == kind:
                return Facts(row)
        raise KeyError(kind)

    def __iter__(self) -> Iterator[str]:
        return iter(row["kind"] for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return self._report.rstrip("\n")

    def to_pandas(self) -> Any:
        """As a ``pandas.DataFrame``."""
        return self.table.to_pandas()

    def to_polars(self) -> Any:
        """As a ``polars.DataFrame``."""
        return self.table.to_polars()


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    if name in ("value", "threshold"):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values, dtype=object if name == "holds" else None)
