"""How far a computation is, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "shown"]

#: ``True``: a line on stderr; ``False``: nothing; or a function of a text and a share from 0 to 1 (None: not known).
Progress = bool | Callable[[str, float | None], object]


@contextmanager
def shown(progress: Progress) -> Iterator[Callable[[str, float | None], object] | None]:
    """What the compiled part tells how far it is."""
    if not isinstance(progress, bool):
        yield progress
        return
    if not progress:
        yield None
        return
    line = _Line()
    try:
        yield line
    finally:
        line.end()


class _Line:
    """A line that is written over, four times a second."""

    def __init__(self) -> None:
        self.next = 0.0
        self.width = 0

    def __call__(self, text: str, share: float | None) -> None:
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + 0.25
        line = text if share is None else f"{100 * share:3.0f} % {text}"
        sys.stderr.write("\r" + line.ljust(self.width))
        sys.stderr.flush()
        self.width = len(line)

    def end(self) -> None:
        if self.width:
            sys.stderr.write("\n")
            sys.stderr.flush()
