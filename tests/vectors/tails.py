"""P(a_1 ξ_1 + … + a_d ξ_d ≥ x) for independent ξ of variance 1, by direct integration: tails.json.

P_1 is the tail of the law itself, P_k(x) = ∫ f(y) P_{k−1}(x − a_k y) dy by Gauss's rule with 60 points on panels that grow with the distance from
the points where the integrand changes, 0 and x/a_k. Every term is positive, so that doubles leave 13 digits; two student-t variables agree
with tanh-sinh quadrature in 30 digits (mpmath) to 1e-13 up to x = 10⁴. Uniform variables: Σ over the signs (Irwin and Hall), in 80 digits."""

import itertools
import json
import numpy as np
from mpmath import mp, mpf, sqrt, factorial

NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)

def student_tail(x):
    angle = 2 * np.arctan2(1, x)
    small = angle**3 / 6 * (1 - angle**2 / 20 * (1 - angle**2 / 42 * (1 - angle**2 / 72 * (1 - angle**2 / 110 * (1 - angle**2 / 156)))))
    return np.where(angle < 0.3, small, angle - np.sin(angle)) / (2 * np.pi)

def student(y): return 2 / (np.pi * (1 + y * y) ** 2)

def laplace_tail(x): return np.where(x >= 0, np.exp(-np.sqrt(2) * np.abs(x)) / 2, 1 - np.exp(-np.sqrt(2) * np.abs(x)) / 2)

def laplace(y): return np.exp(-np.sqrt(2) * np.abs(y)) / np.sqrt(2)

def panels(far, top, grow):
    """Points from −top to top, denser around 0 and far."""
    steps = [0.25]
    while steps[-1] < top: steps.append(steps[-1] * grow if grow > 1 else steps[-1] + 1)
    points = sorted({0.0, far} | {p + s for p in (0.0, far) for v in steps for s in (v, -v)})
    return np.array(points)

def integrate(law, a, x):
    tail, density, top, grow = law
    if len(a) == 1: return tail(np.asarray(x) / a[0])
    out = []
    for one in np.atleast_1d(x):
        far = one / a[-1]
        p = panels(far, top(far), grow)
        half, middle = np.diff(p) / 2, (p[1:] + p[:-1]) / 2
        y = (middle[:, None] + half[:, None] * NODES).ravel()
        w = (half[:, None] * WEIGHTS).ravel()
        out.append(np.sum(np.sort(w * density(y) * integrate(law, a[:-1], one - a[-1] * y))))
    return np.array(out)

def irwin_hall(a, x):
    c = [sqrt(mpf(3)) * v for v in a]
    total = mpf(0)
    for signs in itertools.product((1, -1), repeat=len(c)):
        rest = sum(s * v for s, v in zip(signs, c)) - x
        if rest > 0: total += mp.fprod(signs) * rest ** len(c)
    return total / factorial(len(c)) / mp.fprod(2 * v for v in c)

STUDENT = (student_tail, student, lambda far: 1e8 * (abs(far) + 1), 2)
LAPLACE = (laplace_tail, laplace, lambda far: abs(far) + 60, 1)
CASES = [
    ("student-t", STUDENT, (1,), (1, 10, 1000, 1e6, 1e10)),
    ("student-t", STUDENT, (1, 0.75), (1, 3, 10, 100, 1e4, 1e7, 1e10)),
    ("student-t", STUDENT, (1, 0.75, 0.25), (3, 12, 1e4, 1e10)),
    ("laplace", LAPLACE, (1,), (1, 4, 48)),
    ("laplace", LAPLACE, (1, 0.75), (1, 4, 10, 25, 49)),
    ("laplace", LAPLACE, (1, 0.75, 0.25), (4, 20, 49)),
]

def main():
    rows = []
    def row(law, a, x, log10):
        rows.append({"law": law, "weights": a, "x": x, "log10": log10})
        print(rows[-1], flush=True)
    mp.dps = 80
    for a, xs in (((1, 0.75), (1, 2.5, 3)), ((1, 0.75, 0.25), (1, 2.5, 3.4)), ((1,) * 12, (5, 10, 15, 20)), ((1, 0.5) * 8, (5, 10, 15, 20))):
        for x in xs: row("uniform", a, x, mp.nstr(mp.log10(irwin_hall([mpf(v) for v in a], mpf(x))), 17))
    for name, law, a, xs in CASES:
        for x in xs: row(name, a, x, repr(float(np.log10(np.ravel(integrate(law, a, float(x)))[0]))))
    with open("tails.json", "w") as out:
        out.write("[\n " + ",\n ".join(json.dumps(r) for r in rows) + "\n]\n")

if __name__ == "__main__": main()
