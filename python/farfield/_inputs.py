"""Samples and labels from whatever holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Labels", "labels", "others", "samples", "weights"]


def samples(X: Any, name: str = "X") -> tuple[NDArray[Any], list[str] | None]:
    """An n×d array of float64 or float32 (as it is, in any layout), and the names of its columns.

    >>> samples([[1, 2], [3, 4]])
    (array([[1., 2.],
           [3., 4.]]), None)
    """
    columns = getattr(X, "columns", None)
    names = None if columns is None else [str(column) for column in columns]
    if hasattr(X, "toarray") and hasattr(X, "tocsr"):  # scipy.sparse
        X = X.toarray()
    elif columns is not None and hasattr(X, "to_numpy"):  # a frame of pandas or polars
        X = X.to_numpy()
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(f"{name}: some values are masked; fill them first")
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(f"{name}: expected n x d numbers: {error}") from None
    if array.ndim != 2:
        shape = " x ".join(str(k) for k in array.shape) or "a single value"
        raise ValueError(f"{name} has {array.ndim} dimensions ({shape}), expected 2: a row a sample, n x d")
    if array.dtype in (np.dtype(np.float64), np.dtype(np.float32)) and array.dtype.isnative:
        return array, names
    if array.dtype.kind in "USmMcV":
        raise TypeError(f"{name}: expected real numbers, not {array.dtype}")
    try:
        return array.astype(np.float64), names
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected real numbers: {error}") from None


def weights(W: Any, name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    """An m×d array of finite float64."""
    array = np.asarray(samples(W, name)[0], dtype=np.float64)
    if array.shape != shape:
        rows, cols = array.shape
        raise ValueError(f"{name} is {rows} x {cols}, expected width x d = {shape[0]} x {shape[1]}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers")
    return array


class Labels:
    """Labels of two classes: the classes as they are spelt, with their values if they are numbers, and which sample
    is of which."""

    def __init__(self, values: list[Any], indices: NDArray[np.uint8]) -> None:
        self.values = values
        self.indices = indices

    @property
    def names(self) -> list[tuple[str, float | None]]:
        """Text and, for numbers, value."""
        return [(text(value), _number(value)) for value in self.values]

    def __getitem__(self, name: str) -> Any:
        """The class of this text, as it came."""
        return next((value for value in self.values if text(value) == name), name)


def labels(y: Any, name: str = "y") -> Labels:
    """The two classes of n labels in the order of their first appearance.

    >>> labels(["b", "a", "b"]).names
    [('b', None), ('a', None)]
    >>> labels([0, 1, 1]).indices
    array([0, 1, 1], dtype=uint8)
    """
    if hasattr(y, "toarray") and hasattr(y, "tocsr"):
        raise TypeError(f"{name}: expected dense labels, not a sparse matrix")
    if hasattr(y, "to_numpy"):  # a series or a frame of pandas or polars
        y = y.to_numpy()
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise TypeError(f"{name}: expected a label a sample: {error}") from None
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)  # a single column
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, expected 1: a label a sample")
    if array.dtype.kind in "cmMV":
        raise TypeError(f"{name}: expected labels of two classes, not {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        sample = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name}: the label of sample {sample} is {array[sample]}")
    if array.dtype.kind == "O":
        return _objects(array, name)
    values, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    order = np.argsort(first)  # of appearance
    return _two([values[k].item() for k in order], np.argsort(order)[inverse.reshape(-1)], name)


def _objects(array: NDArray[Any], name: str) -> Labels:
    places: dict[Any, int] = {}
    inverse = np.empty(len(array), dtype=np.intp)
    for i, value in enumerate(array):
        if value is None or value != value:
            raise ValueError(f"{name}: the label of sample {i} is missing")
        if not isinstance(value, (str, bytes, bool, int, float, np.generic)):
            raise TypeError(f"{name}: the label of sample {i} is a {type(value).__name__}, expected a number or a name")
        inverse[i] = places.setdefault(value, len(places))
    return _two(list(places), inverse, name)


def _two(values: list[Any], inverse: NDArray[Any], name: str) -> Labels:
    if len(values) > 2:
        shown = ", ".join(repr(value) for value in values[:3])
        raise ValueError(f"{name}: expected two classes, found {len(values)}: {shown}, …")
    return Labels(values, inverse.astype(np.uint8))


def others(
    X: Any, y: Any, names: list[str] | None
) -> tuple[NDArray[Any], list[tuple[str, float | None]], NDArray[np.uint8]] | None:
    """Samples that are not trained on, with their labels; None where there are none. ``names`` are those of the columns
    of the others."""
    if X is None and y is None:
        return None
    if X is None or y is None:
        raise ValueError("test and test_labels go together, and one of them is None")
    array, own = samples(X, "test")
    if names is not None and own is not None and names != own:
        raise ValueError("test has other columns than X, or in another order")
    found = labels(y, "test_labels")
    if len(found.indices) != len(array):
        raise ValueError(f"test_labels has {len(found.indices)} labels, and test {len(array)} rows")
    if len(array) == 0:
        raise ValueError("test has no rows; None for no samples")
    return array, found.names, found.indices


def text(value: Any) -> str:
    """A class as text: whole numbers without a fraction.

    >>> text(1.0), text(True), text("a")
    ('1', 'True', 'a')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _number(value: Any) -> float | None:
    # texts are told apart by the compiled part; integers beyond 2⁵³ it compares by their digits
    if isinstance(value, (bool, np.bool_, float, np.floating)):
        return float(value)
    return None
