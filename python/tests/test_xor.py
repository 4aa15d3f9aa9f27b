"""The four clusters of an xor: samples and errors against NumPy's own."""

import numpy as np
import pytest

import farfield as ff


def means(d, signal):
    second = np.where(np.arange(d) % 2 == 0, 1.0, -1.0)
    if d % 2:
        second[-1] = 0.0
    return np.full(d, signal / np.sqrt(d)), signal * second / np.linalg.norm(second)


def fresh(d, signal, count, seed):
    r = np.random.default_rng(seed)
    y, s = np.where(r.random(count) < 0.5, 1, -1), np.where(r.random(count) < 0.5, 1, -1)
    one, two = means(d, signal)
    return s[:, None] * np.where(y[:, None] > 0, one, two) + r.standard_normal((count, d)), y


@pytest.mark.parametrize("d", [6, 7])
def test_samples_have_the_law(d):
    """First and second moments of each class, and the fourth along its mean, as NumPy's own samples have them: six standard errors."""
    count, signal = 8000, 3.0
    p = ff.mixture(n=count, d=d, signal=signal, clusters="xor", width=2)
    X, y = p.X, p.y
    others, labels = fresh(d, signal, 200_000, 1)
    for side, mean in zip((1, -1), means(d, signal)):
        mine, theirs = X[y == side], others[labels == side]
        u = mean / signal
        for f in (lambda x: x, lambda x: (x @ u) ** 2, lambda x: (x @ u) ** 4, lambda x: x[:, :1] * x[:, 1:]):
            a, b = f(mine), f(theirs)
            error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
            assert (abs(a.mean(axis=0) - b.mean(axis=0)) < 6 * error).all()
    assert abs((y > 0).mean() - 0.5) < 6 * 0.5 / np.sqrt(count)


def test_errors_of_a_network():
    """The ReLU's weights are judged by fresh samples as NumPy judges them; a leak leaves a plane, whose error is one half."""
    d, signal = 20, 5.0
    p = ff.mixture(n=200, d=d, signal=signal, clusters="xor", leak=0.0, width=40, seed=2)
    run = p.run(steps=1000, test_error=True)
    X, y = fresh(d, signal, 200_000, 3)
    a = np.where(np.arange(40) < 20, 1, -1)
    wrong = (y * (np.maximum(X @ run.weights().T, 0) @ a) <= 0).mean()
    low, high = run.trace.test_error_low[-1], run.trace.test_error_high[-1]
    spread = np.sqrt(wrong * (1 - wrong) / len(y))
    # three half-widths of the 95 % interval are some six standard errors
    assert abs(run.trace.test_error[-1] - wrong) < 1.5 * (high - low) + 6 * spread
    limit = ff.mixture(n=20, d=400, signal=4, clusters="xor").limit().test_error
    assert limit.limit == 0.5 and limit.predicted is None and 0 < limit.bayes < 0.02
    with pytest.raises(ValueError, match="rows"):
        ff.mixture(clusters="xor", sampling="gram")
