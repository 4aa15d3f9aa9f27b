"""Settings as TOML: what the compiled part reads."""

from __future__ import annotations

import json
import numbers
from collections.abc import Mapping
from typing import Any

__all__ = ["dumps"]


def dumps(table: Mapping[str, Any]) -> str:
    """A nested mapping as TOML.

    >>> print(dumps({"seed": 3, "data": {"n": 100, "signal": 1e6, "noise": "gaussian"}}))
    seed = 3
    data = { n = 100, signal = 1000000.0, noise = "gaussian" }
    """
    return "\n".join(f"{_key(key)} = {_value(key, value)}" for key, value in table.items())


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(name: str, value: Any) -> str:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # a scalar of NumPy
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        # beyond 64 bits a text; the seed may be one
        return str(int(value)) if abs(int(value)) < 2**63 else f'"{int(value)}"'
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(k, v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        items = value.tolist() if hasattr(value, "tolist") else value
        return "[" + ", ".join(_value(name, v) for v in items) + "]"
    raise TypeError(f"{name}: expected a number, a text or a truth value, not {type(value).__name__}")
