"""Problems: samples, network and step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _farfield, _inputs, _toml
from ._config import Config, sections
from ._errors import NotSeparable, named
from ._limit import Checks, Certificate, Limit
from ._progress import Progress, shown
from ._run import Run, ended, known

__all__ = ["Problem", "certificate", "mixture"]


class Problem:
    """Samples with two classes, a two-layer leaky-ReLU network, a loss and a step size.

    Parameters
    ----------
    X
        n×d real numbers: an array of any layout, nested lists, a frame of pandas or polars, a sparse matrix of SciPy.
        It is copied once, as float32 or float64 (a sparse one becomes dense).
    y
        n labels of two classes: ±1, 0/1, truth values, texts, categories.
    width
        Number of neurons m.
    positive
        Number of neurons with ``a_j = +1/√m``; they come first. None: half of them, rounded up.
    leak
        Slope γ of the activation at ``u ≤ 0``, from 0 (the ReLU) to 1 (the linear model).
    step_size
        α, or ``"auto"``: ``1/λmax(XXᵀ)/c``, rounded down to 3 significant digits; or ``"flow"``: gradient flow, whose t is
        time (α = 1).
    reduction
        ``"sum"`` or ``"mean"`` of the losses of the samples: c is 1 or 1/n.
    loss
        ``"exponential"``, exp(−q), or ``"logistic"``, log(1 + exp(−q)). The limit is the same.
    positive_class
        The class that is +1. None: the larger number, or the later name.
    test, test_labels
        p×d and p samples that are not trained on, as X and y, of the same classes: their errors are ``held_out`` of the
        results, and ``held_out_trace`` of a run. Standardize them by what X says. A configuration may hold out a share
        of the samples of a file (``data.holdout``).
    progress
        Whether to show on stderr how far K = XXᵀ is; or a function of a text and a share.

    Raises
    ------
    ValueError, TypeError
        With the name of the argument.

    Examples
    --------
    >>> import farfield as ff
    >>> p = ff.Problem([[2, 0.5], [1.5, -0.5], [-1, 1], [-2, 0]], ["yes", "yes", "no", "no"])
    >>> p
       problem  n = 4 (2 positive), d = 2, width 8 (4 positive), leak 0.1; α = 8.84e-2 (auto), sum of exponential losses
       classes  +1 is "yes" (2 samples), -1 is "no" (2 samples); labels from y
    >>> p.run(steps=1e12).certified_angle < 0.2
    True
    """

    feature_names: list[str] | None
    """The names of the columns of X, where it was a frame."""

    def __init__(
        self,
        X: Any,
        y: Any,
        width: int = 8,
        positive: int | None = None,
        leak: float = 0.1,
        step_size: float | Literal["auto", "flow"] = "auto",
        reduction: Literal["sum", "mean"] = "sum",
        loss: Literal["exponential", "logistic"] = "exponential",
        positive_class: Any = None,
        test: Any = None,
        test_labels: Any = None,
        progress: Progress = False,
    ) -> None:
        array, self.feature_names = _inputs.samples(X)
        labels = _inputs.labels(y)
        others = _inputs.others(test, test_labels, self.feature_names)
        if len(labels.indices) != len(array):
            raise ValueError(f"y has {len(labels.indices)} labels, expected n = {len(array)}: X has as many rows")
        if array.size == 0:
            raise ValueError(f"X is {array.shape[0]} x {array.shape[1]}, expected n x d, at least 1 x 1")
        chosen = "" if positive_class is None else _inputs.text(positive_class)
        settings = _network(width, positive, leak, step_size, reduction, loss)
        with named(), shown(progress) as tell:
            self._core = _farfield.Problem.of_arrays(
                array, labels.names, labels.indices, chosen, _toml.dumps(settings), tell, others
            )
        self._labels: _inputs.Labels | None = labels

    @classmethod
    def from_config(cls, config: Config, progress: Progress = False) -> Problem:
        """Draws or reads the samples that a configuration names; its other keys are the defaults of the calls."""
        problem = cls.__new__(cls)
        problem.feature_names = None
        problem._labels = None
        with named(), shown(progress) as tell:
            problem._core = _farfield.Problem.of_config(config._core, tell)
        return problem

    @property
    def n(self) -> int:
        """Number of samples."""
        return self._core.shape()[0]

    @property
    def d(self) -> int:
        """Number of dimensions; of samples drawn with ``sampling="gram"``, of their distribution."""
        return self._core.shape()[1]

    @property
    def width(self) -> int:
        """Number of neurons m."""
        return self._core.numbers()[2]

    @property
    def positive(self) -> int:
        """Number of neurons with a positive output weight."""
        return self._core.numbers()[3]

    @property
    def step_size(self) -> float:
        """α; 1 for gradient flow."""
        return self._core.numbers()[0]

    @property
    def lambda_max(self) -> float:
        """λmax(XXᵀ)."""
        return self._core.numbers()[1]

    @property
    def X(self) -> NDArray[np.float64]:
        """The samples (n×d), copied; in rotated coordinates where they were drawn so."""
        return self._core.x()

    @property
    def y(self) -> NDArray[np.float64]:
        """Labels ±1 (n), copied."""
        return self._core.y()

    @property
    def clean(self) -> NDArray[np.float64] | None:
        """Labels before label noise (n), where the samples were drawn."""
        return self._core.clean()

    @property
    def classes(self) -> tuple[Any, Any]:
        """The classes of −1 and +1 as they came; −1 and 1 where the samples were drawn."""
        names = self._core.classes()
        if names is None:
            return (-1, 1)
        return (names[1], names[0]) if self._labels is None else (self._labels[names[1]], self._labels[names[0]])

    @property
    def config(self) -> Config:
        """The configuration; that of samples from arrays has an empty ``data.source``."""
        return Config._of(self._core.config())

    @property
    def notes(self) -> list[str]:
        """What was decided in reading files, a sentence each."""
        return self._core.notes()

    @property
    def data_digest(self) -> str:
        """blake3 of shape, samples and labels: ``data_digest`` of the results."""
        return self._core.data_digest()

    def __repr__(self) -> str:
        return self._core.summary()

    def run(
        self,
        steps: float | None = None,
        init_scale: float | None = None,
        seed: int | None = None,
        init: ArrayLike | None = None,
        engine: Literal["auto", "direct", "gram"] | None = None,
        precision: Literal["f64", "f32", "mixed"] | None = None,
        samples_per_decade: int | None = None,
        columns: Literal["all"] | Sequence[str] | None = None,
        test_error: bool | None = None,
        angle_tolerance: float | None = None,
        max_seconds: float | None = None,
        warp: bool | None = None,
        tied: bool | None = None,
        sliding_tolerance: float | None = None,
        test_points: int | None = None,
        progress: Progress = False,
        on_interrupt: Literal["return", "raise"] = "return",
    ) -> Run:
        """Follows gradient descent. The interpreter is released; None stands for what the configuration says.

        Parameters
        ----------
        steps
            Horizon t, whole, up to 1e300 (default 1e6); of gradient flow, a time.
        init_scale
            W(0) ~ N(0, init_scale²) (default 1e-6).
        seed
            Of W(0) and sampled test errors (default: that of the samples, 0 for arrays).
        init
            W(0) itself (m×d), instead of ``init_scale`` and ``seed``.
        engine
            ``"auto"``, ``"direct"`` (on X) or ``"gram"`` (on K = XXᵀ).
        precision
            Of the products: ``"f64"``, ``"f32"`` or ``"mixed"``.
        samples_per_decade
            Rows of the trace per decade of t (default 4).
        columns
            Further columns of the trace: ``"all"``, or some of ``"stable_rank"``, ``"margin_ratio"``,
            ``"smoothed_margin"``, ``"support_ratio"``, ``"support_count"``, ``"mean_cosine"`` and ``"sharpness"``.
        test_error
            Whether the trace has the test error of the weights, of samples drawn from a mixture: ``test_error``,
            ``test_error_low`` and ``test_error_high``.
        angle_tolerance
            Ends when the certified angle (radians) is below; 0: never.
        max_seconds
            Ends after so many seconds; 0: never.
        warp, tied, sliding_tolerance, test_points
            As in the configuration (docs/guide.md).
        progress
            Whether to show on stderr how far it is; or a function of a text and a share.
        on_interrupt
            What Ctrl-C does: ``"return"`` the run up to there, with a warning and the status ``"interrupted"``, or
            ``"raise"`` :class:`farfield.Interrupted` with it attached.

        Raises
        ------
        Diverged, NotSeparable
            With the run attached as ``result``.

        Examples
        --------
        >>> import farfield as ff
        >>> run = ff.mixture(n=20, d=400).run(steps=1e12)
        >>> run.status, run.steps, run.trace.t.shape == run.trace.cosine_gap.shape
        ('horizon', 1000000000000.0, True)
        """
        known(on_interrupt)
        settings = sections(
            seed=seed,
            network__init_scale=init_scale,
            descent__steps=steps,
            descent__engine=engine,
            descent__precision=precision,
            descent__max_seconds=max_seconds,
            descent__warp=warp,
            descent__tied=tied,
            descent__sliding_tolerance=sliding_tolerance,
            monitor__samples_per_decade=samples_per_decade,
            monitor__columns=columns if columns is None or isinstance(columns, str) else list(columns),
            monitor__test_error=test_error,
            monitor__angle_tolerance=angle_tolerance,
            output__test_points=test_points,
        )
        with named(), shown(progress) as tell:
            core, interrupt = self._core.run(_toml.dumps(settings), self._weights(init, init_scale, "init"), tell)
        return ended(Run._of_core(core, self.feature_names), interrupt, on_interrupt)

    def limit(
        self,
        pattern: Run | ArrayLike | None = None,
        seed: int | None = None,
        init_scale: float | None = None,
        init: ArrayLike | None = None,
        test_points: int | None = None,
        progress: Progress = False,
    ) -> Limit:
        """The direction that gradient descent converges to, without running it.

        Parameters
        ----------
        pattern
            The sides of the neurons (n×m, ``z_ij > 0``), or a run that ended on them. None: every pair of one sign is
            activated, and the others may slide.
        seed, init_scale, init
            Of W(0), whose first step says which pairs it leaves inactive.
        test_points
            Points of a sampled test error; 0: as many as about a second allows.

        Raises
        ------
        NotSeparable
            With the limit attached as ``result``.

        Examples
        --------
        >>> import farfield as ff
        >>> limit = ff.mixture(n=20, d=400).limit()
        >>> limit.consistent, limit.dual.shape, limit.boundary.shape
        (True, (20,), (400,))
        """
        given = pattern.pattern_bits if isinstance(pattern, Run) else pattern
        bits: NDArray[np.float64] | None = None
        if given is not None:
            bits = np.ascontiguousarray(_inputs.samples(given, "pattern")[0], dtype=np.float64)
        last = pattern.to_dict().get("stationarity") if isinstance(pattern, Run) else None
        stationarity = None if last is None else (float(last["epsilon"]), float(last["delta"]))
        settings = sections(seed=seed, network__init_scale=init_scale, output__test_points=test_points)
        start = self._weights(init, init_scale, "init")
        with named(), shown(progress) as tell:
            limit = Limit._of_core(self._core.limit(_toml.dumps(settings), bits, stationarity, start, tell))
        if limit.status == "not_separable":
            raise NotSeparable("the assumed sides do not separate the samples, proved: see result.farkas", limit)
        return limit

    def check(
        self,
        seed: int | None = None,
        init_scale: float | None = None,
        init: ArrayLike | None = None,
        progress: Progress = False,
    ) -> Checks:
        """The conditions of the theory for these samples, as a table.

        >>> import farfield as ff
        >>> checks = ff.mixture(n=20, d=400).check()
        >>> checks["separable_when_activated"].holds
        True
        """
        settings = sections(seed=seed, network__init_scale=init_scale)
        start = self._weights(init, init_scale, "init")
        with named(), shown(progress) as tell:
            return Checks(*self._core.check(_toml.dumps(settings), start, tell))

    def _weights(self, init: ArrayLike | None, scale: float | None, name: str) -> NDArray[np.float64] | None:
        if init is None:
            return None
        if scale is not None:
            raise ValueError("init_scale has no effect: the initial weights are those of init")
        return _inputs.weights(init, name, (self.width, self._core.shape()[2]))


def _network(
    width: int, positive: int | None, leak: float, step_size: float | str, reduction: str, loss: str
) -> dict[str, Any]:
    return sections(
        network__width=width,
        network__positive=positive,
        network__leak=leak,
        descent__step_size=step_size,
        descent__reduction=reduction,
        descent__loss=loss,
    )


def mixture(
    n: int = 100,
    d: int = 5000,
    signal: float = 10.0,
    seed: int = 0,
    label_noise: float = 0.0,
    noise: str = "gaussian",
    dof: float | None = None,
    spectrum: str = "identity",
    balance: float = 0.5,
    sampling: Literal["rows", "gram"] = "rows",
    width: int = 8,
    positive: int | None = None,
    leak: float = 0.1,
    step_size: float | Literal["auto", "flow"] = "auto",
    reduction: Literal["sum", "mean"] = "sum",
    loss: Literal["exponential", "logistic"] = "exponential",
    progress: Progress = False,
    rotated: bool = False,
    label_noise_kind: Literal["random", "smallest-margin"] | None = None,
    clusters: Literal["two", "xor"] | None = None,
    stream: Literal[1, 2] | None = None,
) -> Problem:
    """Draws n samples ``x_i = y_i μ + Σ^{1/2} ξ_i`` in d dimensions, or those of an xor.

    Parameters
    ----------
    n, d
        Numbers of samples and dimensions.
    signal
        ``‖μ‖``.
    seed
        Of all random numbers.
    label_noise
        Probability that a training label is flipped, or with ``"smallest-margin"`` the share that is.
    noise
        Distribution of the coordinates of ξ, of mean 0 and variance 1: ``"gaussian"``, ``"rademacher"``, ``"uniform"``,
        ``"student-t"``, ``"laplace"``, ``"pareto:R"`` (R above 2) or ``"weibull:A"``.
    dof
        Degrees of freedom of ``"student-t"``, above 2.
    spectrum
        Eigenvalues of Σ: ``"identity"``, ``"power:EXPONENT"``, ``"spiked:COUNT:VALUE"`` or the path of a .npy file.
    rotated
        Whether the covariance is turned by a rotation that the seed draws; samples are held in the coordinates in which it is
        diagonal.
    label_noise_kind
        ``"random"`` (default), or ``"smallest-margin"``: the labels of the samples with the smallest ``y⟨μ, x⟩`` are flipped.
    clusters
        ``"two"`` (default), or ``"xor"``: class +1 around ``±μ``, class −1 around ``±μ₂``, orthogonal to it and as long.
    balance
        Probability of y = +1.
    sampling
        ``"gram"`` holds the samples in coordinates that turn with them: any d up to 1e12 at the cost of d = n, for
        Gaussian noise and Σ = I.
    stream
        Version of the stream of normal numbers: 1 (default), or 2, in bulk, several times as fast.
    width, positive, leak, step_size, reduction, loss, progress
        As in :class:`Problem`.

    Examples
    --------
    >>> import farfield as ff
    >>> p = ff.mixture(n=30, d=10**9, signal=2000, sampling="gram")
    >>> p.limit().test_error.regime
    'weak'
    """
    settings = _network(width, positive, leak, step_size, reduction, loss)
    data = sections(
        data__n=n,
        data__d=d,
        data__signal=signal,
        data__clusters=clusters,
        data__noise=noise,
        data__dof=dof,
        data__spectrum=spectrum,
        data__rotated=rotated or None,
        data__label_noise=label_noise,
        data__label_noise_kind=label_noise_kind,
        data__balance=balance,
        data__sampling=sampling,
        data__stream=stream,
    )
    return Problem.from_config(Config({"seed": seed, **data, **settings}), progress=progress)


def certificate(problem: Problem, W: ArrayLike) -> Certificate | None:
    """A bound on the angle between any W (m×d), whoever trained it, and the limit of its activation pattern.

    None where a margin is not positive, or no bound below 90° is found.

    >>> import farfield as ff
    >>> p = ff.mixture(n=20, d=400)
    >>> run = p.run(steps=1e6)
    >>> bound = ff.certificate(p, run.weights())
    >>> bool(run.cosine_gap <= bound.cosine_gap)
    True
    """
    shape = (problem.width, problem._core.shape()[2])
    with named():
        found = problem._core.certificate(_inputs.weights(W, "W", shape))
    return None if found is None else Certificate._of_json(found)
