"""Results as small tables of HTML, for notebooks."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

from ._table import Table

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["run", "table"]

_ROWS = 12
_WIDTH, _HEIGHT = 240, 48


def table(of: Table) -> str:
    """The first and last rows."""
    shown = list(range(of.rows))
    if of.rows > _ROWS:
        shown[_ROWS // 2 : of.rows - _ROWS // 2] = [-1]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in of)
    gap = f"<tr><td colspan={len(of)}>…</td></tr>"
    body = "".join(
        gap if i < 0 else "<tr>" + "".join(f"<td>{_cell(column[i])}</td>" for column in of.values()) + "</tr>"
        for i in shown
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def run(of: Run) -> str:
    """The lines of the summary, and the certified angle against log t."""
    rows = "".join(_row(line) for line in repr(of).splitlines())
    return f"<table style='text-align:left'>{rows}</table>{_sparkline(of)}"


def _row(line: str) -> str:
    name, text = line[:10].strip(), line[12:] if line[:10].strip() else line.strip()
    return f"<tr><th>{html.escape(name)}</th><td style='text-align:left'>{html.escape(text)}</td></tr>"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return html.escape(str(value))


def _sparkline(of: Run) -> str:
    pairs = zip(of.trace["t"].tolist(), of.trace["certified_cosine_gap"].tolist(), strict=True)
    points = [(math.log10(t), math.log10(gap)) for t, gap in pairs if t > 0 and gap > 0]
    if len(points) < 2:
        return ""
    (left, right), (low, high) = ((min(v), max(v)) for v in zip(*points, strict=True))
    if right == left or high == low:
        return ""
    at = [
        f"{_WIDTH * (x - left) / (right - left):.1f},{_HEIGHT * (high - y) / (high - low):.1f}" for x, y in points
    ]
    title = f"certified 1 − cos against t, both logarithmic: from {10**high:.1e} to {10**low:.1e}"
    return (
        f"<svg width={_WIDTH} height={_HEIGHT + 2} role='img'><title>{title}</title>"
        f"<polyline fill='none' stroke='currentColor' points='{' '.join(at)}'/></svg><br><small>{title}</small>"
    )
