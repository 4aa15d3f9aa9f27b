#!/usr/bin/env python3
"""The hard-margin SVM through the origin: `farfield.max_margin` beside scikit-learn's SVC, on twenty data sets.

    pip install ./python scikit-learn
    python benches/peers/max_margin.py

SVC has an intercept; on the samples and their mirror images (−x, −y) it is 0 and the problem the one asked for, of twice the
size. SVC(kernel="linear", C=1e10, tol=1e-8), at most 10^7 iterations. Both are judged by numpy from X: the margin
min y⟨x, w⟩/‖w‖ of their w, and how far 1/√Σλ of their dual variables is above it, relative to it (0 at the solution).
"""

import time
import warnings

import farfield as ff
import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def mixtures():
    shapes = [(50, 2000, 4), (100, 1000, 5), (100, 10_000, 10), (200, 300, 8), (200, 2000, 3), (200, 5000, 10)]
    shapes += [(500, 600, 10), (500, 5000, 6), (1000, 1500, 12), (1000, 10_000, 10)]
    for n, d, signal in shapes:
        p = ff.mixture(n=n, d=d, signal=signal)
        yield f"mixture {n} × {d}, signal {signal}", np.asarray(p.X), np.asarray(p.y)
    for n, d in [(100, 400), (200, 1000)]:
        p = ff.mixture(n=n, d=d, signal=5, label_noise=0.2)
        yield f"mixture {n} × {d}, a fifth flipped", np.asarray(p.X), np.asarray(p.y)


def everyday():
    x, y = datasets.load_iris(return_X_y=True)
    yield "iris 0, 1", x[y < 2], np.where(y[y < 2] == 1, 1.0, -1.0)
    x, y = datasets.load_wine(return_X_y=True)
    yield "wine 0, 1, standardized", StandardScaler().fit_transform(x[y < 2]), np.where(y[y < 2] == 1, 1.0, -1.0)
    x, y = datasets.load_digits(return_X_y=True)
    for a, b in [(0, 1), (4, 9), (3, 8), (1, 7), (2, 6), (5, 6)]:
        of = (y == a) | (y == b)
        yield f"digits {a}, {b}", x[of], np.where(y[of] == b, 1.0, -1.0)


def judged(x, y, w, dual):
    margin = (y * (x @ w)).min() / np.linalg.norm(w)
    return margin, 1.0 / np.sqrt(dual.sum()) / margin - 1.0


def of_svc(x, y):
    model = SVC(kernel="linear", C=1e10, tol=1e-8, max_iter=10_000_000)
    model.fit(np.vstack([x, -x]), np.concatenate([y, -y]))
    w, dual = model.coef_[0], np.abs(model.dual_coef_[0])
    return w, dual


def of_farfield(x, y):
    found = ff.max_margin(x, y)
    return np.asarray(found.weights), np.asarray(found.dual)


def main():
    warnings.simplefilter("ignore")
    print("| data | SVC, s | margin | gap | farfield, s | margin | gap | times faster |\n|---|---|---|---|---|---|---|---|")
    ratios = []
    for name, x, y in [*mixtures(), *everyday()]:
        cells, times = [], []
        for solve in (of_svc, of_farfield):
            begun = time.perf_counter()
            try:
                w, dual = solve(x, y)
            except ff.NotSeparable:
                cells += ["", "not separable", ""]
                continue
            times.append(time.perf_counter() - begun)
            margin, gap = judged(x, y, w, dual)
            cells += [f"{times[-1]:.4f}", f"{margin:.10g}", f"{gap:.0e}"]
        ratio = times[0] / times[1] if len(times) == 2 else float("nan")
        ratios.append(ratio)
        print(f"| {name} | {' | '.join(cells)} | {ratio:.1f} |", flush=True)
    print(f"\nmedian: {np.nanmedian(ratios):.1f} times faster")


main()
