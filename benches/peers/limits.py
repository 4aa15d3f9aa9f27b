#!/usr/bin/env python3
"""Limits of Gaussian mixtures beside numpy and scipy: draw X, K = X X^T, the dual problem, the test error.

    pip install numpy scipy
    benches/peers/limits.py [FARFIELD] [--problems 200] [--rounds 3] [--threads 1] [--stream 2]

n = 100, d = 10^4, |mu| = 3, width 8, leak 0.3 (of leaks of 0.1 most limits have a neuron that slides), clean labels, rows drawn. Farfield solves them by `farfield sweep`, which also draws
W(0), proves the margin from X, computes lambda_max and nu, and writes a line; numpy does none of that. The dual problem min lambda' H
lambda / 2 - sum lambda over lambda >= 0 is one Cholesky factorization where its solution is positive, else scipy's nnls; that no neuron
slides is checked. Each thread of either is a process or pool of its own with one thread of BLAS. Prints the mean and spread of
log10 of the errors of both with standard errors, and problems a second, alternating.
"""
import argparse
import csv
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)  # the library chooses for this machine
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import nnls
from scipy.special import log_ndtr

N, D, SIGNAL, LEAK = 100, 10_000, 3.0, 0.3
PLAN = """mode = "limit"
seeds = {problems}
[base]
seed = {seed}
data = {{ n = 100, d = 10000, signal = 3, stream = {stream} }}
network = {{ width = 8, leak = 0.3 }}
[grid]
"data.balance" = [0.5]
"""


def limit(seed):
    """log10 of the test error of one problem's limit, half of the neurons of each sign."""
    random = np.random.default_rng(seed)
    y = np.where(random.random(N) < 0.5, 1.0, -1.0)
    mean = SIGNAL / math.sqrt(D)
    x = random.standard_normal((N, D))
    x += (y * mean)[:, None]
    k = x @ x.T
    same = y[:, None] == y[None, :]
    h = np.outer(y, y) * k * np.where(same, (1 + LEAK**2) / 2, LEAK)
    factor = cho_factor(h, lower=True)
    dual = cho_solve(factor, np.ones(N))
    if dual.min() < 0:
        lower = np.tril(factor[0])
        dual, _ = nnls(lower.T, solve_triangular(lower, np.ones(N), lower=True))
    # own-sign pairs on their positive side, the others beyond their kink
    plus, minus = (k @ (y * dual * np.where(y == sign, 1.0, LEAK)) * sign for sign in (1.0, -1.0))
    assert ((plus > 0) == (y > 0)).all() and ((minus > 0) == (y < 0)).all(), "a neuron slides"
    boundary = (dual * y) @ x * ((1 + LEAK) / 2)
    return log_ndtr(-mean * boundary.sum() / np.linalg.norm(boundary)) / math.log(10)


def by_numpy(problems, seed, threads):
    with get_context("fork").Pool(threads) as pool:
        pool.map(limit, range(threads))  # libraries are loaded
        begun = time.perf_counter()
        found = pool.map(limit, range(seed * problems, (seed + 1) * problems), chunksize=4)
        return found, problems / (time.perf_counter() - begun)


def by_farfield(program, problems, seed, threads, stream):
    with tempfile.TemporaryDirectory() as folder:
        plan, out = Path(folder) / "plan.toml", Path(folder) / "out"
        plan.write_text(PLAN.format(problems=problems, seed=seed, stream=stream))
        begun = time.perf_counter()
        subprocess.run([program, "sweep", plan, "-o", out, "--threads", str(threads)], check=True, capture_output=True)
        rate = problems / (time.perf_counter() - begun)
        subprocess.run([program, "sweep", "--merge", out], check=True, capture_output=True)
        with open(out / "sweep.csv", newline="") as table:
            rows = list(csv.DictReader(table))
        assert all(row["limit_consistent"] == "true" and row["sliding.count"] == "0" for row in rows)
        return [float(row["test_error.log10_limit"]) for row in rows], rate


def spread(name, values):
    count, sd = len(values), statistics.stdev(values)
    mean, error = statistics.fmean(values), sd / math.sqrt(count)
    fourth = statistics.fmean((v - mean) ** 4 for v in values)
    of_sd = math.sqrt(max(fourth - sd**4, 0.0) / count) / (2 * sd)
    print(f"{name:>9}  {count} problems: log10 error {mean:.4f} ± {error:.4f}, standard deviation {sd:.4f} ± {of_sd:.4f}")
    return mean, error, sd, of_sd


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("farfield", nargs="?", default=str(Path(__file__).resolve().parents[2] / "target/release/farfield"))
    ap.add_argument("--problems", type=int, default=200)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--stream", type=int, default=2, help="data.stream of Farfield")
    args = ap.parse_args()
    found, rates = {"farfield": [], "numpy": []}, {"farfield": [], "numpy": []}
    for seed in range(args.rounds):
        for name, (values, rate) in (
            ("farfield", by_farfield(args.farfield, args.problems, seed, args.threads, args.stream)),
            ("numpy", by_numpy(args.problems, seed, args.threads)),
        ):
            found[name] += values
            rates[name].append(rate)
    a, b = spread("farfield", found["farfield"]), spread("numpy", found["numpy"])
    apart = [abs(a[k] - b[k]) / math.hypot(a[k + 1], b[k + 1]) for k in (0, 2)]
    print(f"means {apart[0]:.1f} and standard deviations {apart[1]:.1f} standard errors apart")
    shown = {name: ", ".join(f"{v:.1f}" for v in values) for name, values in rates.items()}
    ratio = statistics.median(rates["farfield"]) / statistics.median(rates["numpy"])
    print(f"problems a second, {args.threads} threads: farfield {shown['farfield']}; numpy {shown['numpy']}; ratio of medians {ratio:.2f}")
    return max(apart) > 4


if __name__ == "__main__":
    sys.exit(main())
