#!/usr/bin/env python3
"""The hard-margin dual min ½λᵀHλ − 1ᵀλ, λ ≥ 0, in Farfield, libsvm and numpy, on the same H, interleaved; prints a
Markdown table of milliseconds. See README.md.

libsvm (scikit-learn) solves it twice. As a one-class machine with ν = 1/n it is exactly this problem: the shortest
point of the convex hull, min αᵀHα, Σα = 1, with H scaled so that its tolerance means what it means for SVC. SVC has
a bias, and so one constraint more: another problem of the same size, for the time only. numpy is a plain block
principal pivoting (Júdice and Pires 1992) that factors anew in every round."""
import argparse, importlib.metadata, json, os, platform, statistics, subprocess, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--farfield", default=os.path.join(HERE, "../../target/release/examples/dual"))
ap.add_argument("--sizes", nargs="+", type=int, default=[200, 1000, 2000])
ap.add_argument("--regimes", nargs="+", default=["square", "wide", "strong"], choices=["square", "wide", "strong"])
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--rounds", type=int, default=3, help="interleaved rounds; medians are reported")
ap.add_argument("--tolerance", type=float, default=1e-8, help="of libsvm")
ap.add_argument("--only-farfield", action="store_true")
args = ap.parse_args()
os.environ.update({key: str(args.threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")})
os.sched_setaffinity(0, set(range(args.threads)))

import numpy as np  # noqa: E402  after the number of threads
from sklearn.svm import SVC, OneClassSVM  # noqa: E402


def problem(n, regime):
    """H of an activated mixture (leak 0.1, both signs equal) and its labels: benches/dual.rs has the same regimes."""
    d, signal = {"wide": (min(20 * n, 10_000), 2), "square": (2 * n, 1), "strong": (2 * n, 10)}[regime]
    rng = np.random.default_rng(1)
    y, x = np.where(np.arange(n) % 2 == 0, 1.0, -1.0), rng.standard_normal((n, d))
    x[:, 0] += signal  # of y_i x_i
    return x @ x.T * np.where(np.equal.outer(y, y), 0.5 * (1 + 0.1**2), 0.1), y


def residual(h, dual):
    """max_i |min(H_ii λ_i, (Hλ)_i − 1)| / (1 + Σ_k |H_ik λ_k|), in extended precision."""
    terms = h.astype(np.longdouble) * dual
    slack = terms.sum(1) - 1
    return float(np.max(np.abs(np.minimum(np.diag(h) * dual, slack)) / (1 + np.abs(terms).sum(1))))


def pivoting(h):
    n, inside = len(h), np.ones(len(h), bool)
    fewest, patience = n + 1, 3
    for _ in range(200):
        s, dual = np.flatnonzero(inside), np.zeros(n)
        dual[s] = np.linalg.solve(h[np.ix_(s, s)], np.ones(len(s)))
        slack = h[:, s] @ dual[s] - 1
        wrong = np.flatnonzero((inside & (dual < 0)) | (~inside & (slack < -1e-12)))
        if len(wrong) == 0:
            return dual
        if len(wrong) < fewest:
            fewest, patience = len(wrong), 3
        elif patience:
            patience -= 1
        else:
            wrong = wrong[-1:]
        inside[wrong] = ~inside[wrong]
    raise RuntimeError("no solution")


def one_class(h, scale):
    machine = OneClassSVM(kernel="precomputed", nu=1 / len(h), tol=args.tolerance, cache_size=2000).fit(h * scale)
    alpha = np.zeros(len(h))
    alpha[machine.support_] = machine.dual_coef_[0]
    alpha /= alpha.sum()
    return alpha / (alpha @ h @ alpha)


def svc(kernel, y):
    SVC(kernel="precomputed", C=1e10, tol=args.tolerance, cache_size=2000).fit(kernel, y)


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


packages = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("numpy", "scikit-learn"))
print(f"{packages}, {platform.processor() or platform.machine()}, {args.threads} thread(s); milliseconds, residuals\n")
print("| n | regime | support | Farfield | libsvm, one class | libsvm, SVC | numpy, pivoting |\n|---|---|---|---|---|---|---|")
for n in args.sizes:
    for regime in args.regimes:
        h, y = problem(n, regime)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "h.npy")
            np.save(path, h)
            ours = lambda: json.loads(subprocess.run([args.farfield, path, "0.3"], capture_output=True, check=True).stdout)
            first = ours()
            scale = 1 / first["max_margin"] ** 2
            runs = {} if args.only_farfield else {
                "one": lambda: one_class(h, scale), "svc": lambda: svc(h * np.outer(y, y) * scale, y), "numpy": lambda: pivoting(h)}
            times, duals = {name: [] for name in ["ours", *runs]}, {}
            for _ in range(args.rounds):
                times["ours"].append(ours()["seconds"])
                for name, run in runs.items():
                    seconds, duals[name] = timed(run)
                    times[name].append(seconds)
        cell = lambda name: f"{1e3 * statistics.median(times[name]):.2f}" if name in times else ""
        for name in [k for k in ("one", "numpy") if k in duals]:
            margin = duals[name].sum() ** -0.5
            assert abs(margin / first["max_margin"] - 1) < 1e-5, (name, margin, first)
        with_residual = lambda name: f"{cell(name)} ({residual(h, duals[name]):.0e})" if name in duals else ""
        print(f"| {n} | {regime} | {first['support']} | {cell('ours')} ({first['kkt_residual']:.0e}) | {with_residual('one')} "
              f"| {cell('svc')} | {with_residual('numpy')} |", flush=True)
