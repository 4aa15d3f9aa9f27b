"""Runs of gradient descent."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _farfield, _toml
from ._config import sections
from ._errors import Diverged, Interrupted, NotSeparable, named
from ._facts import Facts, angle, read
from ._progress import Progress, shown
from ._table import Table

__all__ = ["Run", "Trace"]


class Trace(Table):
    """The rows of a run at its monitored t: the columns of trace.csv, not a number where undefined.

    ``t, log_loss, min_margin, weight_norm, gradient_norm, cosine_gap, certified_cosine_gap, gradient_cosine_gap,
    dual_gap, sign_agreement, flips, segment``, then those of ``columns`` and ``test_error`` of :meth:`Problem.run`.
    """


class Run:
    """What a run found: every name of result.json is an attribute; docs/guide.md says what each means.

    ``status``, ``steps``, ``log_loss``, ``min_margin``, ``weight_norm``, ``gradient_norm``, ``normalized_margin``,
    ``max_margin``, ``cosine_gap``, ``certified_cosine_gap``, ``gradient_cosine_gap``, ``dual_gap``, ``rate_exponent``,
    ``pattern``, ``test_error``, ``held_out``, ``train_error``, ``step_size``, ``lambda_max``, ``segments``, ``digest``,
    ``data_digest``, ``provenance``, …: numbers, or None where they are not defined.

    Examples
    --------
    >>> import farfield as ff
    >>> run = ff.mixture(n=20, d=400).run(steps=1e6)
    >>> run.pattern.state, run.margins.shape, run.weights().shape
    ('proved', (20,), (8, 400))
    >>> run.trace
    Trace of 26 rows: t, log_loss, min_margin, weight_norm, gradient_norm, cosine_gap, certified_cosine_gap, \
gradient_cosine_gap, dual_gap, sign_agreement, flips, segment
    """

    trace: Trace
    """The rows at the monitored t."""
    precision_trace: Table
    """The columns of precision.csv: what is known of rounding at the same t."""
    held_out_trace: Table | None
    """The columns of held_out.csv: errors among the samples that are not trained on, at the same t; None without any."""
    feature_names: list[str] | None
    """The names of the columns of X, where it was a frame."""

    def __init__(
        self,
        facts: dict[str, Any],
        trace: Trace,
        precision: Table,
        arrays: Callable[[str], NDArray[Any] | None],
        summary: Callable[[], str],
        held_out: Table | None = None,
    ) -> None:
        self._facts = Facts(facts)
        self.trace = trace
        self.precision_trace = precision
        self.held_out_trace = held_out
        self.feature_names = None
        self._arrays = arrays
        self._summary = summary
        self._core: _farfield.Run | None = None
        self._folder: Path | None = None

    @classmethod
    def _of_core(cls, core: _farfield.Run, feature_names: list[str] | None = None) -> Run:
        trace = Trace(core.trace())
        text = core.json()
        facts = _left(trace) if text is None else read(text)
        asked = {
            "margins": core.margins,
            "pattern": core.pattern,
            "weights": core.weights,
            "dual": core.dual,
            "boundary": core.boundary,
            "farkas": core.farkas,
        }
        others = core.held_out_trace()
        held_out = None if others is None else Table(others)
        run = cls(facts, trace, Table(core.precision()), lambda name: asked[name](), core.summary, held_out)
        run._core = core
        run.feature_names = feature_names
        return run

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._facts, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._facts]

    def __repr__(self) -> str:
        return self._summary().rstrip("\n")

    def _repr_html_(self) -> str:
        from ._html import run

        return run(self)

    @property
    def certified_angle(self) -> float | None:
        """The angle (radians) between W and its limit is at most this, proved without knowing the limit."""
        return angle(self._facts["certified_cosine_gap"])

    @property
    def angle(self) -> float | None:
        """The angle (radians) between W and its limit, where one is known."""
        return angle(self._facts["cosine_gap"])

    @property
    def margins(self) -> NDArray[np.float64]:
        """``q_i = y_i f(x_i; W)`` (n)."""
        return self._array("margins")

    @property
    def pattern_bits(self) -> NDArray[np.bool_]:
        """``⟨x_i, w_j⟩ > 0`` (n×m)."""
        return self._array("pattern").astype(np.bool_)

    @property
    def dual(self) -> NDArray[np.float64] | None:
        """λ (n) of the limit, or of the ray where nothing separates the samples; None where neither is known."""
        return self._arrays("dual")

    @property
    def boundary(self) -> NDArray[np.float64] | None:
        """w̄ (d): the boundary of the limit is ``⟨x, w̄⟩ = 0``; None where it is no plane."""
        return self._arrays("boundary")

    @property
    def farkas(self) -> NDArray[np.float64] | None:
        """Weights (n), nonnegative with sum 1, with which the features cancel where nothing separates the samples."""
        return self._arrays("farkas")

    def weights(self) -> NDArray[np.float64]:
        """W(t) (m×d), computed by one pass over X where steps were taken on K."""
        return self._array("weights")

    def _array(self, name: str) -> NDArray[Any]:
        with named():
            array = self._arrays(name)
        if array is None:
            raise ValueError(f"this folder has no {name}.npy")
        return array

    def to_dict(self) -> dict[str, Any]:
        """The content of result.json as plain dictionaries, lists and numbers."""
        return self._facts.to_dict()

    def save(self, path: str | os.PathLike[str], overwrite: bool = False, weights: bool = False) -> Path:
        """Writes the folder that ``farfield run`` writes, ``weights.npy`` however large if asked; its path.

        Samples from arrays go into its folder ``inputs``, so that ``farfield run DIR/config.toml`` repeats the run.

        >>> import farfield as ff, tempfile
        >>> run = ff.mixture(n=20, d=400).run(steps=1000)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ff.load(run.save(folder + "/run")).digest == run.digest
        True
        """
        if self._core is None:
            raise ValueError("this run was loaded from a folder: copy the folder")
        with named():
            self._core.save(Path(path), overwrite, weights)
        return Path(path)

    def resume(
        self,
        steps: float | None = None,
        max_seconds: float | None = None,
        test_points: int | None = None,
        progress: Progress = False,
        on_interrupt: Literal["return", "raise"] = "return",
    ) -> Run:
        """Goes on to a farther horizon; this run stays what it is.

        The longer run has the bits of one that went there at once if t was on its schedule: 0, 1 and the powers
        ``10^(k/samples_per_decade)``, or where Ctrl-C or ``max_seconds`` ended it. A run that was loaded goes on from the
        checkpoint in its folder, with the samples that its configuration names.

        Parameters
        ----------
        steps
            Horizon t. None: that of this run, for one that was interrupted or ended early.
        max_seconds
            Ends after so many seconds; 0: never.
        test_points, progress, on_interrupt
            As in :meth:`Problem.run`.

        Examples
        --------
        >>> import farfield as ff
        >>> p = ff.mixture(n=20, d=400)
        >>> p.run(steps=1e6).resume(steps=1e12).digest == p.run(steps=1e12).digest
        True
        """
        known(on_interrupt)
        settings = sections(descent__steps=steps, descent__max_seconds=max_seconds, output__test_points=test_points)
        with named(), shown(progress) as tell:
            if self._core is not None:
                core, interrupt = self._core.resume(_toml.dumps(settings), tell)
            elif self._folder is not None:
                core, interrupt = _farfield.Run.resume_folder(self._folder, _toml.dumps(settings), tell)
            else:
                raise ValueError("this run has nothing to go on from")
        return ended(Run._of_core(core, self.feature_names), interrupt, on_interrupt)

    def plot(self, ax: Any = None) -> Any:
        """Gaps to the limit against t, on logarithmic scales; needs matplotlib. The axes."""
        from ._plot import run

        return run(self, ax)


def _left(trace: Trace) -> dict[str, Any]:
    """What is known of a run that was left behind: its last row."""
    last = {name: column[-1].item() if trace.rows else None for name, column in trace.items()}
    return {"status": "interrupted", "steps": last.pop("t") or 0.0, **last, "digest": None}


def known(on_interrupt: str) -> None:
    """Refuses another answer to Ctrl-C than the two."""
    if on_interrupt not in ("return", "raise"):
        raise ValueError(f'on_interrupt = {on_interrupt!r}: expected "return" or "raise"')


def ended(run: Run, interrupt: BaseException | None, on_interrupt: str) -> Run:
    """A run, or the exception that carries it."""
    if interrupt is not None:
        return _interrupted(run, interrupt, on_interrupt)
    if run.status == "diverged":
        raise Diverged(f"diverged at t = {run.steps:g}; a smaller step_size or init_scale is needed", run)
    if run.status == "not_separable":
        raise NotSeparable("the reached pattern does not separate the samples, proved: see result.farkas", run)
    return run


def _interrupted(run: Run, interrupt: BaseException, on_interrupt: str) -> Run:
    if not isinstance(interrupt, KeyboardInterrupt):
        raise interrupt  # of a progress function
    message = f"interrupted at t = {run.steps:g}"
    if on_interrupt == "raise":
        raise Interrupted(message, run)
    warnings.warn(message, RuntimeWarning, stacklevel=4)
    return run
