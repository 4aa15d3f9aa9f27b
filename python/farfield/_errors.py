"""Exceptions, and messages that name arguments instead of keys of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import _farfield

__all__ = ["Diverged", "FarfieldError", "Interrupted", "NotSeparable", "named"]


class FarfieldError(Exception):
    """A computation that ended without what was asked for.

    ``result`` holds what it found: a :class:`farfield.Run`, a :class:`farfield.Limit` or a
    :class:`farfield.MaxMargin`; None where there is nothing.
    """

    result: Any

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class NotSeparable(FarfieldError, ValueError):
    """The samples cannot be separated, proved. ``result.farkas`` (n) are the weights of features that cancel."""


class Diverged(FarfieldError, ArithmeticError):
    """Margins or weights are no longer finite; ``result`` is the run up to there, or None if its start overflows."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a run with ``on_interrupt="raise"``; ``result`` is the run up to there."""

    result: Any

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


_KEY = re.compile(r"\b(?:data|network|descent|monitor|output)\.([a-z_]+)\b")


@contextmanager
def named() -> Iterator[None]:
    """Lets messages of the compiled part name arguments.

    >>> with named():
    ...     raise ValueError("network.leak = 2: expected a number from 0 to 1")
    Traceback (most recent call last):
    ValueError: leak = 2: expected a number from 0 to 1
    """
    try:
        yield
    except _farfield.Diverging as error:
        raise Diverged(_KEY.sub(r"\1", str(error))) from None
    except (FarfieldError, UnicodeError):
        raise
    except ValueError as error:
        raise ValueError(_KEY.sub(r"\1", str(error))) from None
