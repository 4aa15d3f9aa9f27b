"""Figures, by matplotlib where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._run import Run
    from ._sweep import Sweep

__all__ = ["run", "sweep"]

_GAPS = [
    ("cosine_gap", "1 − cos(W, Ŵ)"),
    ("certified_cosine_gap", "its certificate"),
    ("gradient_cosine_gap", "1 − cos(−∇L, Ŵ)"),
    ("dual_gap", "dual gap"),
]


def run(of: Run, ax: Any = None) -> Any:
    """Gaps against t. Logarithms are drawn on linear axes, since t may be 1e300."""
    ax = _axes(ax)
    t = np.asarray(of.trace["t"], dtype=np.float64)
    for name, label in _GAPS:
        gap = np.asarray(of.trace[name], dtype=np.float64)
        kept = (t > 0) & (gap > 0)
        if kept.any():
            ax.plot(np.log10(t[kept]), np.log10(gap[kept]), label=label, marker=".", markersize=3)
    _powers(ax.xaxis)
    _powers(ax.yaxis)
    ax.set_xlabel("steps t")
    if ax.lines:
        ax.legend()
    return ax


def sweep(of: Sweep, x: str, y: str, ax: Any = None) -> Any:
    """Medians over a key of the grid."""
    names = of.summary.columns
    keys = names[: names.index("problems")]
    if x not in keys:
        raise ValueError(f"x = {x!r}: expected a key of the grid: {', '.join(keys)}")
    if f"{y}.median" not in names:
        numbers = [name.removesuffix(".median") for name in names if name.endswith(".median")]
        raise ValueError(f"y = {y!r}: expected one of {', '.join(numbers)}")
    ax = _axes(ax)
    others = [key for key in keys if key != x]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row in range(of.summary.rows):
        groups.setdefault(tuple(of.summary[key][row].item() for key in others), []).append(row)
    abscissa = _scale(of.summary[x], ax.xaxis)
    median, low, high = (
        np.asarray(of.summary[f"{y}.{name}"], dtype=np.float64) for name in ("median", "q05", "q95")
    )
    logarithmic = _logarithmic(np.concatenate([median, low, high]))
    if logarithmic:
        median, low, high = np.log10(median), np.log10(low), np.log10(high)
        _powers(ax.yaxis)
    for values, rows in groups.items():
        rows = sorted(rows, key=lambda row: float(abscissa[row]))
        label = ", ".join(f"{key} = {value:g}" if isinstance(value, (int, float)) else f"{key} = {value}"
                          for key, value in zip(others, values, strict=True))
        (line,) = ax.plot(abscissa[rows], median[rows], marker=".", label=label or None)
        ax.fill_between(abscissa[rows], low[rows], high[rows], alpha=0.2, color=line.get_color(), linewidth=0)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if others:
        ax.legend()
    return ax


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("figures need matplotlib: pip install matplotlib") from None
    return plt.subplots()[1]


def _logarithmic(values: NDArray[Any]) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and bool((finite > 0).all()) and float(finite.max() / finite.min()) > 10.0


def _scale(values: NDArray[Any], axis: Any) -> NDArray[Any]:
    numbers = np.asarray(values, dtype=np.float64)
    if not _logarithmic(numbers):
        return numbers
    _powers(axis)
    return np.log10(numbers)


def _powers(axis: Any) -> None:
    """Labels 10^k on an axis of decimal logarithms."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda k, _: f"$10^{{{k:g}}}$"))
