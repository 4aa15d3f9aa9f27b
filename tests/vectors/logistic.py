#!/usr/bin/env python3
"""Makes what is known of the logistic loss in 60 digits, with nothing but Python's decimal.

    python3 tests/vectors/logistic.py            # writes logistic*.json beside this file
    python3 tests/vectors/logistic.py --table    # prints the table of kernels/src/loss/logistic/tests.rs

Trajectories: X, y and W(0) of the other files here, stepped as kernels/src/reference.rs says, with
s(q) = 1/(1 + e^q), every operation rounded to 60 digits. X and W(0) are the f64 that their decimals stand for, as
are the step and the leak. The limit does not depend on the loss: its numbers are those of the other file, if both
end in the same pattern, but for the cosine.
"""
import json
import sys
from decimal import Decimal as D, getcontext
from pathlib import Path

getcontext().prec = 60
getcontext().Emax, getcontext().Emin = 10**9, -(10**9)
HERE = Path(__file__).parent


def weight(q):
    return 1 / (1 + q.exp())


def value(q):
    """log(1 + e^-q) to 60 digits also where e^-q is tiny: more digits for the sum."""
    e = (-q).exp()
    if e > D("1e-15"):
        getcontext().prec = 90
        v = (1 + e).ln()
        getcontext().prec = 60
        return +v
    return e - e * e / 2 + e**3 / 3 - e**4 / 4  # the next term is 1e-60 of the first


def log_weight(q):
    return -value(-q)  # log s(q) = -log(1 + e^q)


def table():
    points = [-1e5, -745.2, -745.0, -500.0, -100.25, -36.8, -36.7, -5.0, -1.0, -0.1, -1e-9, 0.0, 1e-9, 0.1, 0.7, 1.0, 2.5,
              5.0, 18.4, 36.7, 36.8, 100.25, 500.0, 708.5, 745.0, 745.2, 1e5]
    for q in points:
        exact = D(q)
        cells = [weight(exact), log_weight(exact), value(exact), value(exact).ln()]
        print(f"    ({q!r}, [" + ", ".join(f'"{c:.25e}"' for c in cells) + "]),")


def dot(a, b):
    return sum((x * y for x, y in zip(a, b)), D(0))


class Run:
    def __init__(self, case):
        self.x = [[D(v) for v in row] for row in case["X"]]
        self.y = [D(v) for v in case["y"]]
        self.w = [[D(v) for v in row] for row in case["W0"]]
        self.leak, self.positive = D(case["leak"]), case["positive"]
        m = len(self.w)
        self.a = [(1 if j < self.positive else -1) / D(m).sqrt() for j in range(m)]
        self.c = 1 / D(len(self.y)) if case["reduction"] == "mean" else D(1)
        self.alpha = D(case["step_size"])
        self.pattern, self.flips, self.last = None, 0, 0

    def see(self, t):
        self.z = [[dot(x, w) for w in self.w] for x in self.x]
        self.g = [[D(1) if z > 0 else self.leak for z in row] for row in self.z]
        out = [dot(self.a, [g * z for g, z in zip(gs, zs)]) for gs, zs in zip(self.g, self.z)]
        self.q = [y * f for y, f in zip(self.y, out)]
        bits = [[z > 0 for z in row] for row in self.z]
        if self.pattern is not None:
            new = sum(a != b for r, s in zip(bits, self.pattern) for a, b in zip(r, s))
            self.flips, self.last = self.flips + new, t if new else self.last
        self.pattern = bits

    def gradient(self):
        """Minus the gradient of L: sum_i c s(q_i) y_i a_j g_ij x_i."""
        s = [self.c * weight(q) for q in self.q]
        rows = []
        for j, a in enumerate(self.a):
            u = [D(0)] * len(self.x[0])
            for i, x in enumerate(self.x):
                f = s[i] * self.y[i] * a * self.g[i][j]
                u = [p + f * v for p, v in zip(u, x)]
            rows.append(u)
        return rows

    def norm(self, rows):
        return sum((dot(r, r) for r in rows), D(0)).sqrt()

    def checkpoint(self, t):
        active = sum(a * y * z > 0 for y, zs in zip(self.y, self.z) for a, z in zip(self.a, zs))
        text = lambda v: f"{v:.30g}"
        return {
            "t": t,
            "log_loss": text((self.c * sum(map(value, self.q))).ln()),
            "margins": [text(q) for q in self.q],
            "weight_norm": text(self.norm(self.w)),
            "gradient_norm": text(self.norm(self.gradient())),
            "activated": active,
            "sign_agreement": f"{active / (len(self.y) * len(self.a)):.12g}",
            "pattern_flips": self.flips,
        }

    def step(self):
        for w, u in zip(self.w, self.gradient()):
            w[:] = [p + self.alpha * v for p, v in zip(w, u)]

    def cosine(self, dual):
        """cos(W, sum_i lambda_i Phi_i)."""
        v = []
        for j, a in enumerate(self.a):
            row = [D(0)] * len(self.x[0])
            for i, x in enumerate(self.x):
                f = D(dual[i]) * self.y[i] * a * self.g[i][j]
                row = [p + f * t for p, t in zip(row, x)]
            v.append(row)
        along = sum((dot(p, q) for p, q in zip(self.w, v)), D(0))
        return along / (self.norm(self.w) * self.norm(v))


def trajectory(source, name, step_size, steps):
    case = json.loads((HERE / f"{source}.json").read_text())
    case.update(name=name, loss="logistic", step_size=step_size, steps=steps)
    known, activated = case.pop("limit"), case["checkpoints"][-1]["activated"]
    run, points = Run(case), []
    times = {1, 2, 3, 10, 100, 1000, steps}
    for t in range(steps + 1):
        run.see(t)
        if t in times:
            points.append(run.checkpoint(t))
        if t < steps:
            run.step()
    case.update(checkpoints=points, last_flip=run.last)
    same = known and points[-1]["activated"] == activated == len(run.y) * len(run.a)
    if same:
        known["cosine_at_end"] = f"{run.cosine(known['dual']):.30g}"
    case["limit"] = known if same else None
    (HERE / f"{name}.json").write_text(json.dumps(case, indent=1))
    print(name, run.flips, run.last, points[-1]["margins"][:3], "limit" if same else "no limit")


if __name__ == "__main__":
    if "--table" in sys.argv:
        table()
    else:
        trajectory("activated", "logistic", 0.02, 2000)
        trajectory("late_flips", "logistic_flips", 0.002, 4000)
        trajectory("odd_width_mean", "logistic_mean", 0.5, 2000)
