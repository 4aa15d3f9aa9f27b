"""Results by the names of result.json."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Facts", "angle", "read"]

_NUMBERS = {"NaN": math.nan, "inf": math.inf, "-inf": -math.inf}


class Facts(Mapping[str, Any]):
    """A part of a result: a mapping whose keys are attributes, too.

    >>> part = Facts({"sign_agreement": 1.0, "flips": 7})
    >>> part.flips, part["sign_agreement"]
    (7, 1.0)
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        return _shown(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"no {name!r} here; there are: {', '.join(self._values)}")
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"Facts({self._values!r})"

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers."""
        return dict(self._values)


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return Facts(value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value


def read(text: str) -> Any:
    """A result.json; its texts NaN, inf and -inf as numbers, but for names of classes and where it comes from.

    >>> read('{"final_until": "inf", "classes": {"positive": {"name": "inf"}}}')
    {'final_until': inf, 'classes': {'positive': {'name': 'inf'}}}
    """
    return _numbers(json.loads(text))


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        kept = ("classes", "provenance", "files")
        return {key: item if key in kept else _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def angle(gap: float | None) -> float | None:
    """The angle (radians) of a gap 1 − cos.

    >>> round(angle(0.5), 6)
    1.047198
    """
    return None if gap is None else 2.0 * math.asin(min(1.0, math.sqrt(0.5 * gap)))
