#!/usr/bin/env python3
"""The logistic loss against other programs: margins and loss after T steps from the same W(0).

    benches/peers/logistic.py target/release/farfield [--steps T]

numpy: the step written out, with log1p and exp. PyTorch, if it can be imported: autograd through
BCEWithLogitsLoss(reduction="sum") in float64, whose value on targets (y + 1)/2 is sum_i log(1 + exp(-y_i f_i)).
Every engine of Farfield runs the same problem. Prints one line per pair; exit 1 if any is off by more than 1e-10, and for averages over
chattering neurons (warp, flipped labels) by more than what the run claims for them.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LEAK = 0.1


def problem(n, d, m, seed, flipped):
    r = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    x = r.standard_normal((n, d)) + y[:, None] * d**-0.25
    y[:flipped] *= -1
    a = np.where(np.arange(m) < m // 2, 1.0, -1.0) / np.sqrt(m)
    return x, y, a, 1e-2 * r.standard_normal((m, d)), 2.0 / np.linalg.eigvalsh(x @ x.T)[-1]


def by_numpy(x, y, a, w, alpha, steps):
    w = w.copy()
    for _ in range(steps):
        z = x @ w.T
        g = np.where(z > 0, 1.0, LEAK)
        q = y * ((g * z) @ a)
        e = np.exp(-np.abs(q))
        s = np.where(q < 0, 1.0, e) / (1.0 + e)
        w += alpha * ((s * y)[:, None] * g * a).T @ x
    z = x @ w.T
    q = y * ((np.where(z > 0, 1.0, LEAK) * z) @ a)
    return q, np.log(np.logaddexp(0.0, -q).sum())


def by_torch(x, y, a, w, alpha, steps):
    import torch

    x, a, target = torch.tensor(x), torch.tensor(a), torch.tensor((y + 1) / 2)
    w = torch.tensor(w, requires_grad=True)
    loss = torch.nn.BCEWithLogitsLoss(reduction="sum")
    output = lambda: torch.nn.functional.leaky_relu(x @ w.T, LEAK) @ a
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(loss(output(), target), w)
        with torch.no_grad():
            w -= alpha * gradient
    f = output()
    return (torch.tensor(y) * f).detach().numpy(), torch.log(loss(f, target)).item()


def by_farfield(program, folder, settings):
    out = folder / "-".join(settings.values())
    command = [program, "run", "-o", str(out), "--overwrite", "--json"]
    fixed = {"data.source": folder / "X.npy", "data.labels": folder / "y.npy", "network.init": folder / "W0.npy"}
    for key, value in {**fixed, "descent.loss": "logistic", **settings}.items():
        command += ["-s", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 4):
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
    result = json.loads(done.stdout)
    claim = sum(float(segment["error_estimate"]) for segment in result["segments"])
    return np.load(out / "margins.npy"), float(result["log_loss"]), claim


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("program")
    ap.add_argument("--steps", type=int, default=5000)
    args = ap.parse_args()
    peers = {"numpy": by_numpy, "torch": by_torch}
    try:
        import torch  # noqa: F401
    except ImportError:
        print("PyTorch left out: it is not installed")
        del peers["torch"]
    failed = False
    for n, d, m, flipped in [(20, 200, 4, 0), (40, 400, 8, 3), (12, 60, 6, 2)]:
        x, y, a, w0, alpha = problem(n, d, m, n, flipped)
        theirs = {name: peer(x, y, a, w0, alpha, args.steps) for name, peer in peers.items()}
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for name, value in [("X", x), ("y", y), ("W0", w0)]:
                np.save(folder / f"{name}.npy", value)
            for engine, warp, tied in [("direct", "false", "true"), ("direct", "false", "false"), ("gram", "false", "true"),
                                       ("gram", "true", "true")]:
                settings = {
                    "network.width": str(m),
                    "network.leak": str(LEAK),
                    "descent.step_size": repr(float(alpha)),
                    "descent.steps": str(args.steps),
                    "descent.engine": engine,
                    "descent.warp": warp,
                    "descent.tied": tied,
                }
                q, log_loss, claim = by_farfield(args.program, folder, settings)
                for name, (theirs_q, theirs_loss) in theirs.items():
                    off = np.abs(q - theirs_q).max() / np.abs(theirs_q).max()
                    of_loss = abs(log_loss - theirs_loss)
                    # log L moves by no more than the margins do
                    failed |= off > 1e-10 + claim or of_loss > 1e-10 + claim * np.abs(theirs_q).max()
                    print(f"n = {n}, d = {d}, m = {m}, {flipped} flipped; {engine}, warp {warp}, tied {tied}; {name}: "
                          f"margins {off:.1e}, log loss {of_loss:.1e}, claimed {claim:.1e}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
