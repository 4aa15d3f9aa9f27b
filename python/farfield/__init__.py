"""Where gradient descent goes when it trains a two-layer leaky-ReLU network: followed to t = 1e300, with a proof of
how far it still is.

>>> import farfield as ff
>>> p = ff.mixture(n=40, d=1000, signal=5)      # or ff.Problem(X, y)
>>> run = p.run(steps=1e12)                     # Ctrl-C ends it and keeps what is there
>>> run.cosine_gap <= run.certified_cosine_gap  # the bound is proved without knowing the limit
True
>>> p.limit().consistent                        # the limit itself, without running
True

Problems
    :class:`Problem` of arrays, :func:`mixture` to draw them, :class:`Config` as on the command line.
Questions
    ``Problem.run``, ``Problem.limit``, ``Problem.check``; :func:`certificate` of any weights;
    :func:`max_margin`, and :class:`MaxMarginClassifier` for scikit-learn.
Tables and folders
    :func:`sweep`, :func:`load`, ``Run.save``: the folders of the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._config import Config
from ._errors import Diverged, FarfieldError, Interrupted, NotSeparable
from ._facts import Facts
from ._farfield import version as _version
from ._limit import Certificate, Checks, Limit, MaxMargin, max_margin
from ._load import load
from ._problem import Problem, certificate, mixture
from ._run import Run, Trace
from ._sweep import Sweep, sweep
from ._table import Table

if TYPE_CHECKING:
    from ._sklearn import MaxMarginClassifier

__version__ = _version()[0]
__all__ = [
    "Certificate",
    "Checks",
    "Config",
    "Diverged",
    "Facts",
    "FarfieldError",
    "Interrupted",
    "Limit",
    "MaxMargin",
    "MaxMarginClassifier",
    "NotSeparable",
    "Problem",
    "Run",
    "Sweep",
    "Table",
    "Trace",
    "certificate",
    "load",
    "max_margin",
    "mixture",
    "sweep",
]


def __getattr__(name: str) -> Any:
    # scikit-learn is loaded by those who ask for it
    if name == "MaxMarginClassifier":
        from ._sklearn import MaxMarginClassifier

        return MaxMarginClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "MaxMarginClassifier"])
