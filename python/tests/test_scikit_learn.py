"""The classifier keeps the rules of scikit-learn, and finds the maximal margin."""

import numpy as np
import pytest
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import farfield as ff


@parametrize_with_checks([ff.MaxMarginClassifier(), ff.MaxMarginClassifier(fit_intercept=False)])
def test_rules(estimator, check):
    check(estimator)


def test_against_a_support_vector_machine(data):
    X, y = data
    model = ff.MaxMarginClassifier(fit_intercept=False).fit(X, y)
    assert model.separable_ and model.score(X, y) == 1.0
    other = SVC(kernel="linear", C=1e10, tol=1e-10).fit(*opposite(X, y)).coef_[0]
    cosine = other @ model.coef_[0] / np.linalg.norm(other) / np.linalg.norm(model.coef_[0])
    # SVC stops at tol
    assert 1.0 - cosine <= 1e-8


def opposite(X, y):
    """Samples and their opposites with the other label: a machine with an intercept then has none."""
    return np.vstack([X, -X]), np.concatenate([y, -y])


@pytest.mark.parametrize("seed", range(20))
def test_no_machine_has_a_larger_margin(seed):
    random = np.random.default_rng(seed)
    n, d = int(random.integers(5, 60)), int(random.integers(60, 300))
    X = random.standard_normal((n, d)) * np.exp(random.standard_normal(d))
    y = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    found = ff.max_margin(X, y)
    other = SVC(kernel="linear", C=1e10, tol=1e-10).fit(*opposite(X, y)).coef_[0]

    def margin(w):
        return (y * (X @ w)).min() / np.linalg.norm(w)

    # an inner product of d terms is rounded by d 1e-16 of the sizes summed, some √d times the margin here
    assert margin(found.weights) >= margin(other) * (1.0 - 1e-12)
    assert margin(found.weights) == pytest.approx(found.margin, rel=1e-12)


def test_samples_that_are_not_separable():
    X, y = [[1.0, 0.0], [2.0, 1.0], [-1.0, 0.5], [3.0, 1.0]], [0, 1, 0, 1]
    X = X + [[2.0, 1.0]]
    y = y + [0]  # the second sample with the other label
    model = ff.MaxMarginClassifier(fit_intercept=False).fit(X, y)
    assert not model.separable_ and np.isfinite(model.coef_).all() and (model.coef_ != 0).any()
    with pytest.raises(ff.NotSeparable):
        ff.MaxMarginClassifier(fit_intercept=False, not_separable="raise").fit(X, y)
