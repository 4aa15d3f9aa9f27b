"""How far a computation is, on stderr."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "shown"]

#: ``True``: a bar on stderr; ``False``: nothing; or a function of a text and a share from 0 to 1 (None: not known).
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
    """A bar with its text, the time that has passed and about how much is left.

    On a terminal and in a notebook it is written over four times a second and goes when all is done; elsewhere it is a
    line every five seconds. The share of a run is that of log t, from which no time follows: its text says how long the
    rest takes where every step is taken.
    """

    def __init__(self) -> None:
        self.over = sys.stderr.isatty() or "ipykernel" in sys.modules
        self.next = 0.0
        self.width = 0
        self.phase = ""
        self.begun = (0.0, 0.0)

    def __call__(self, text: str, share: float | None) -> None:
        now = time.monotonic()
        phase = text.partition(":")[0].partition(" = ")[0]
        if phase != self.phase:
            self.phase, self.begun = phase, (now, share or 0.0)
        elif now < self.next:
            return
        self.next = now + (0.25 if self.over else 5.0)
        line = _line(text, share, now - self.begun[0], self.begun[1], logarithmic=phase == "t")
        if not self.over:
            sys.stderr.write(line + "\n")
        else:
            if sys.stderr.isatty():
                line = line[: shutil.get_terminal_size().columns - 1]
            sys.stderr.write("\r" + line.ljust(self.width))
            self.width = len(line)
        sys.stderr.flush()

    def end(self) -> None:
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()


def _line(text: str, share: float | None, passed: float, begun: float, logarithmic: bool) -> str:
    """A moment in words, so many seconds after the share ``begun``.

    >>> _line("K = XXᵀ: 3 of 12 blocks", 0.25, 8.0, 0.0, logarithmic=False)
    '█████                25 % K = XXᵀ: 3 of 12 blocks · 0:08, 0:24 left'
    >>> _line("t = 1.000e3 of 1e12;", 0.25, 8.0, 0.0, logarithmic=True)
    '█████                25 % t = 1.000e3 of 1e12 · 0:08'
    >>> _line("λmax(K): step 3 of at most 100", None, 100.0, 0.0, logarithmic=False)
    'λmax(K): step 3 of at most 100 · 1:40'
    """
    clock = f"{text.rstrip(';')} · {_clock(passed)}"
    if share is None:
        return clock
    bar = f"{'█' * int(20 * share):20}{100 * share:3.0f} % {clock}"
    if logarithmic or share <= begun:
        return bar
    return f"{bar}, {_clock(passed * (1 - share) / (share - begun))} left"


def _clock(seconds: float) -> str:
    """
    >>> _clock(59.6), _clock(3725.0)
    ('1:00', '1:02:05')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
