"""The claim held_out: errors among samples that are not trained on (DIR/X.test.npy and X.test.labels.npy beside X.npy)."""
import numpy as np
from exact import F, U, Exact, mp, mpf, need, root, square
try: import blake3
except ImportError: blake3 = None

def below(k, n, p):
    """The probability of less than k errors in n samples of error p."""
    total, term = mpf(0), (1 - p) ** n
    for i in range(k): total, term = total + term, term * (n - i) * p / ((i + 1) * (1 - p))
    return total

def interval(name, k, n, low, high):
    """Clopper and Pearson: either tail has 1/40, up to a few roundings of log Gamma, of the size n log n, where the ends were computed."""
    error = 64 * U * (2 + n * mp.log(1 + n))
    need(low == 0 if k == 0 else abs(1 - below(k, n, low) - mpf(1) / 40) <= error, f"{name}.low is another")
    need(high == 1 if k == n else abs(below(k + 1, n, high) - mpf(1) / 40) <= error, f"{name}.high is another")

def held_out(f, c):
    floats, y = (np.load(f.samples + end).astype(np.float64) for end in (".test.npy", ".test.labels.npy"))
    x, n, signs = Exact.of(floats), len(y), np.where(np.arange(f.m) < f.problem["positive"], 1, -1).astype(object)
    need(floats.shape == (n, f.problem["d"]) and n == c["held_out.samples"] and (abs(y) == 1).all(), "other samples are held out")
    if blake3:
        numbers = b"".join(np.asarray(v, "<f8").tobytes() for v in (floats.shape, floats, y))
        need(blake3.blake3(numbers).hexdigest() == c["held_out.data_digest"], "other samples are held out")
    lengths = [root(v, 1) for v in (x * x).sum(axis=1).each()]
    def check(name, outputs, error):                                                  # each output is off by up to error times its length
        said = {what: mpf(c[f"held_out.{name}.{what}"]) for what in ("errors", "error", "low", "high")}
        k, margins = int(said["errors"]), [(v * int(s), error * l) for v, s, l in zip(outputs.each(), y, lengths)]
        least, most = sum(v + e <= 0 for v, e in margins), sum(v - e <= 0 for v, e in margins)
        need(least <= k <= most and k == said["errors"], f"{least} to {most} errors of the {name}, stated {said['errors']}")
        need(said["error"] == k / n, f"{name}.error is another")
        interval(name, k, n, said["low"], said["high"])
    if "held_out.limit.errors" in c:
        if "margin" in f.claims:                                                      # m times the boundary, as the other sums
            _, lam, _, _, w, _, _ = f.limit()
            plane, size = Exact(signs @ w.ints, w.shift), f.m * sum(a * b for a, b in zip(lam.each(), f.lengths))
        else:
            plane = Exact.of(f.load("boundary.npy"))
            size = root(square(plane), 1)
        check("limit", x @ plane, F(4 * (f.n + f.problem["d"] + f.m + 16), 2**53) * size)
    if "held_out.iterate.errors" in c:
        z = x @ f.iterate()[0].T()
        outputs = (Exact(signs, 0) * Exact.of(f.slopes(z.ints > 0)) * z).sum(axis=1)
        check("iterate", outputs, F(c["rounding"]) * F(c["magnitude"]) * root(F(f.m), 1))
