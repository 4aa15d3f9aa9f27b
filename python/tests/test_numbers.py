"""Numbers against others: gradient descent in NumPy, bounds, maximal margins."""

import numpy as np
import pytest

import farfield as ff


def descend(X, y, W, positive, leak, rate, steps):
    """Gradient descent as one reads it; margins after each step."""
    m = len(W)
    a = np.where(np.arange(m) < positive, 1.0, -1.0) / np.sqrt(m)
    W = W.copy()
    for _ in range(steps):
        Z = X @ W.T
        slopes = np.where(Z > 0, 1.0, leak)
        q = y * ((slopes * Z) @ a)
        W += rate * a[:, None] * ((np.exp(-q) * y)[:, None] * slopes).T @ X
    Z = X @ W.T
    return W, y * (np.where(Z > 0, Z, leak * Z) @ a)


@pytest.mark.parametrize("engine", ["direct", "gram"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_against_numpy(data, engine, reduction):
    X, y = data
    W = 0.1 * np.random.default_rng(3).standard_normal((6, 40))
    p = ff.Problem(X, y, width=6, positive=2, leak=0.3, reduction=reduction)
    rate = p.step_size * (1.0 if reduction == "sum" else 1.0 / 12)
    expected, margins = descend(X, y, W, 2, 0.3, rate, 200)
    for warp in (True, False):
        run = p.run(steps=200, init=W, engine=engine, warp=warp)
        assert np.abs(run.margins - margins).max() <= 1e-12 * np.abs(margins).max()
        assert np.abs(run.weights() - expected).max() <= 1e-12 * np.abs(expected).max()


def test_bounds(data):
    p = ff.Problem(*data)
    run = p.run(steps=1e12)
    gap, bound = run.trace.cosine_gap, run.trace.certified_cosine_gap
    known = ~np.isnan(gap)
    assert known.sum() > 10 and (gap[known] <= bound[known]).all()
    limit, W, hat = p.limit(pattern=run), run.weights(), p.limit(pattern=run).weights()
    assert limit.consistent and np.allclose(limit.dual, run.dual, rtol=1e-9)
    difference = W / np.linalg.norm(W) - hat / np.linalg.norm(hat)
    # both directions are rounded: an error of 1e-14 in each coordinate sum leaves 1e-13 of the gap 1e-3 or so
    assert 0.5 * (difference**2).sum() == pytest.approx(run.cosine_gap, rel=1e-9)
    mine = ff.certificate(p, W)
    assert run.cosine_gap <= mine.cosine_gap and mine.min_margin == pytest.approx(run.min_margin, rel=1e-12)
    assert ff.certificate(p, -W) is None


def test_max_margin(data):
    X, y = data
    found = ff.max_margin(X, y)
    residual = y * (X @ found.weights) - 1.0
    assert residual.min() >= -1e-12 and (found.dual >= 0).all()
    # complementary slackness and stationarity
    assert np.abs(residual[found.support]).max() <= 1e-12
    w = (found.dual * y) @ X
    assert np.abs(w - found.weights).max() <= 1e-13 * np.abs(w).max()
    assert found.margin == pytest.approx(1 / np.linalg.norm(w), rel=1e-13)
    low, high = found.margin_interval
    assert low <= found.margin <= high and high - low <= 1e-13 * high


def test_not_separable():
    X, y = [[1.0, 2.0], [-2.0, -4.0], [3.0, 1.0]], [1, 1, -1]
    with pytest.raises(ff.NotSeparable) as raised:
        ff.max_margin(X, y)
    weights = raised.value.result.farkas
    assert weights.sum() == pytest.approx(1.0, rel=1e-15) and (weights >= 0).all()
    assert np.abs((weights * np.array(y)) @ np.array(X)).max() <= 4e-16 * 4
    # two equal samples with different labels
    with pytest.raises(ff.NotSeparable) as raised:
        ff.Problem([[1.0, 0.0], [1.0, 0.0]], [1, -1]).limit()
    assert raised.value.result.status == "not_separable" and raised.value.result.farkas is not None
    with pytest.raises(ff.NotSeparable) as raised:
        ff.Problem([[1.0, 0.0], [1.0, 0.0]], [1, -1]).run(steps=1e4)
    run = raised.value.result
    assert run.steps > 0 and run.farkas is not None and run.trace.rows > 1


def test_diverged(data):
    X, y = data
    with pytest.raises(ff.Diverged) as raised:
        ff.Problem(X, y, step_size=1e6).run(init=np.random.default_rng(0).standard_normal((8, 40)))
    assert raised.value.result is None or raised.value.result.status == "diverged"
    with pytest.raises(ff.Diverged) as raised:
        ff.Problem(X, y).run(init=1e4 * np.random.default_rng(0).standard_normal((8, 40)))
    assert raised.value.result is None


def test_checks(data):
    checks = ff.Problem(*data).check()
    assert checks["separable_when_activated"].holds is True
    assert list(checks.table["kind"]) == list(checks) and len(checks) >= 8
    assert "[H, Thm 4.8]" in repr(checks)
