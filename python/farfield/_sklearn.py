"""The maximal margin as an estimator of scikit-learn. Imported only when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped,unused-ignore]
from sklearn.utils.multiclass import (  # type: ignore[import-untyped,unused-ignore]
    check_classification_targets,
    type_of_target,
)
from sklearn.utils.validation import (  # type: ignore[import-untyped,unused-ignore]
    check_is_fitted,
    validate_data,
)

from ._errors import NotSeparable
from ._limit import _max_margin

__all__ = ["MaxMarginClassifier"]


class MaxMarginClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc,unused-ignore]
    """The direction that gradient descent on the exponential loss of a linear model converges to.

    Where a hyperplane separates the samples it is the one of maximal margin. Elsewhere gradient descent goes along a
    ray V∞ + τU: its direction is U where some samples are separated in the limit, and its point V∞, which minimizes the
    loss, where none is. ``separable_`` says which.

    Parameters
    ----------
    fit_intercept
        Whether a column of ones is added to the samples; its weight is part of the norm.
    not_separable
        ``"ray"``, or ``"raise"``: :class:`farfield.NotSeparable` where the samples are not separable.

    Attributes
    ----------
    coef_ : (1, d)
        Weights of the features.
    intercept_ : (1,)
    classes_ : (2,)
        The class of negative and of positive decisions.
    n_features_in_ : int
    margin_ : float
        γ* of the samples (with their column of ones); not a number where they are not separable.
    separable_ : bool
    dual_coef_ : (n,)
        λ; weights of samples that cancel where they are not separable.

    Examples
    --------
    >>> import farfield as ff
    >>> model = ff.MaxMarginClassifier(fit_intercept=False).fit([[3, 0], [0, 4], [-3, -4]], ["b", "b", "a"])
    >>> model.predict([[1, 1], [-1, -1]])
    array(['b', 'a'], dtype='<U1')
    """

    def __init__(self, fit_intercept: bool = True, not_separable: str = "ray") -> None:
        self.fit_intercept = fit_intercept
        self.not_separable = not_separable

    def fit(self, X: Any, y: Any) -> MaxMarginClassifier:
        """Finds the direction for samples X (n×d) and labels y (n) of two classes."""
        if self.not_separable not in ("ray", "raise"):
            raise ValueError(f'not_separable = {self.not_separable!r}: expected "ray" or "raise"')
        X, y = validate_data(self, X, y, dtype=np.float64, order="C")
        check_classification_targets(y)
        self.classes_, signs = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            kind = type_of_target(y, input_name="y", raise_unknown=True)
            if len(self.classes_) > 2:
                raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
            raise ValueError("Classifier can't train when only one class is present.")
        columns = np.hstack([X, np.ones((len(X), 1))]) if self.fit_intercept else X
        weights = self._direction(columns, np.where(signs > 0, 1.0, -1.0))
        if self.fit_intercept:
            self.coef_, self.intercept_ = weights[None, :-1], weights[-1:]
        else:
            self.coef_, self.intercept_ = weights[None, :], np.zeros(1)
        return self

    def _direction(self, X: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        try:
            found = _max_margin(X, y, None, False, ray=self.not_separable == "ray")
        except NotSeparable as error:
            if self.not_separable == "raise":
                raise
            found = error.result
            if found._ray is None:
                raise
            self.separable_, self.margin_, self.dual_coef_ = False, float("nan"), found.farkas
            ahead, offset = found._ray
            direction: NDArray[np.float64] = ahead if ahead.any() else offset
            return direction
        self.separable_, self.margin_, self.dual_coef_ = True, found.margin, found.dual
        weights: NDArray[np.float64] = found.weights
        return weights

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """``⟨x, coef_⟩ + intercept_`` (n); positive for the second class."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        scores: NDArray[np.float64] = X @ self.coef_[0] + self.intercept_[0]
        return scores

    def predict(self, X: Any) -> NDArray[Any]:
        """The classes (n)."""
        positive = self.decision_function(X) > 0
        labels: NDArray[Any] = self.classes_[positive.astype(int)]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
