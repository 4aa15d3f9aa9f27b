#!/usr/bin/env python3
"""Checks the claims of a Farfield folder without Farfield:   verify.py DIR X.npy
`farfield verify DIR --data X.npy` writes X.npy (n x d) and X.labels.npy, and alone can say that they are the samples that config.toml
names; here they are given. Statements and proofs: docs/certificates.md. Numbers are exact (exact.py). The 1/sqrt(m) of a_j is kept apart:
sums of features, and margins, are sqrt(m) times their size in what follows, and margins of such sums m times."""
import functools, json, pathlib, sys, tomllib
import numpy as np
from exact import F, U, Exact, mp, mpf, near, need, real, root, square
from final import final
from held_out import held_out
try: import blake3
except ImportError: blake3 = None

class Folder:
    def __init__(self, path, samples):
        self.path = pathlib.Path(path)
        self.result, self.certificate = (json.loads((self.path / name).read_text()) for name in ("result.json", "certificate.json"))
        p = self.problem = self.certificate["problem"]
        self.claims = {claim["kind"]: claim for claim in self.certificate["claims"]}
        self.n, self.m, self.leak, self.logistic = p["n"], p["width"], p["leak"], p["loss"] != "exponential"
        self.samples = str(samples)[:-4]
        self.floats, self.y = np.load(samples).astype(np.float64), np.load(self.samples + ".labels.npy").astype(np.float64)
        need(self.floats.shape == (p["n"], p["d"]) and self.y.shape == (p["n"],) and (abs(self.y) == 1).all(), "other samples")
        signs = np.outer(self.y, np.where(np.arange(self.m) < p["positive"], 1, -1)).astype(int)
        self.x, self.own, self.signs = Exact.of(self.floats), signs > 0, Exact(signs.astype(object), 0)   # signs: y_i sgn(a_j)
        self.lengths = [root(v, 1) for v in (self.x * self.x).sum(axis=1).each()]
        self.iterate, self.limit = functools.cache(self.iterate), functools.cache(self.limit)
    def load(self, name): return np.load(self.path / name).astype(np.float64)
    def has(self, name): return any(name in claim["files"] for claim in self.claims.values())
    def margins(self, z, slopes): return (self.signs * slopes * z).sum(axis=1)
    def features(self, b, slopes): return (self.signs * slopes * Exact(b.ints[:, None], b.shift)).T() @ self.x   # m x d
    def bits(self): return self.load("pattern.npy") == 1
    def slopes(self, side): return np.where(side, 1.0, self.leak)
    def iterate(self):
        """W, its images z, its margins; slopes, weights e >= 0, those of the losses relative to the largest, and G = sum of e_i Phi_i."""
        w, q = Exact.of(self.load("weights.npy")), self.load("margins.npy")
        z = self.x @ w.T()
        slopes = self.load("averages.npy") if self.has("averages.npy") else self.slopes(self.bits())
        e = Exact.of(np.exp(q.min() - q) * ((1 + np.exp(-q.min())) / (1 + np.exp(-q)) if self.logistic else 1))
        return w, z, self.margins(z, Exact.of(self.slopes(z.ints > 0))), slopes, e, self.features(e, Exact.of(slopes))
    def dual(self, lam, low, free):
        """lambda, theta, the given slopes, W*, its images, and its margins in the slopes that count."""
        given = self.slopes(self.bits()) if self.has("pattern.npy") else self.load("slopes.npy")
        shown = self.load("slopes.npy") if self.has("slopes.npy") else given
        lam, theta = Exact.of(self.load(lam)) + Exact.of(low[:, 0]), Exact.of(shown) + Exact.of(low[:, 1:])
        need(min(lam.ints) >= 0, "a negative weight")
        need(((given == 1) | (given == self.leak) | ~self.own).all(), "a slope that is no side")
        carries, free = (lam.ints > 0)[:, None], ~self.own & free                     # free: opposite sign, either slope
        between = (theta.ints <= 2**theta.shift) & (theta.ints >= F(self.leak) * 2**theta.shift)
        need((~carries | np.where(free, between, (theta - Exact.of(given)).ints == 0)).all(), "a slope that the sample may not have")
        w = self.features(lam, theta)
        z = self.x @ w.T()
        return lam, theta, given, w, z, self.margins(z, Exact.of(np.where(free, self.slopes(z.ints > 0), given)))
    def limit(self):
        claim = self.claims["margin" if "margin" in self.claims else "undecided"]
        free = claim["choices"]["rows"] == "free" or not self.has("pattern.npy")
        return free, *self.dual("dual.npy", self.load("remainders.npy"), free)

def data(f, c):
    numbers = b"".join(np.asarray(v, "<f8").tobytes() for v in ([f.n, f.problem["d"]], f.floats, f.y))
    need(blake3.blake3(numbers).hexdigest() == c["data_digest"] == f.result["data_digest"], "other samples")

def margins(f, c):
    (w, z, q, _, e, g), stored, bits, bound = f.iterate(), f.load("margins.npy"), f.bits(), F(c["rounding"]) * F(c["magnitude"])
    for i, v in enumerate(q.each()):
        need(abs(F(stored[i]) - v / root(F(f.m), 0)) <= bound * f.lengths[i], f"margin {i} is not that of W")
    hidden = abs(z.ints) <= np.array([[bound * v * 2**z.shift] for v in f.lengths], dtype=object)    # on the kink up to rounding
    need((((z.ints > 0) == bits) | hidden).all(), "pattern.npy is not that of W")
    alive = f.iterate()[3] != 0
    for name, axis in ("dead_samples", 1), ("dead_neurons", 0):
        need(f.result["pattern"].get(name, 0) == (~alive.any(axis=axis)).sum(), f"{name} are others")
    exact = dict(min_margin=stored.min(), normalized_margin=stored.min() / c["weight_norm"], train_error=1 - (stored > 0).sum() / f.n)
    need(all(c[name] == v for name, v in exact.items()), f"not {exact}")
    near("weight_norm", c["weight_norm"], real(root(square(w), 1)), real(bound) * max(1, c["magnitude"] / c["weight_norm"]))
    near("sign_agreement", c["pattern.sign_agreement"], mpf(int((bits == f.own).sum())) / bits.size, mpf(int(hidden.sum())) / bits.size + 2 * U)
    losses = mp.fsum(mp.log1p(mp.exp(-mpf(v))) if f.logistic else mp.exp(-mpf(v)) for v in stored)
    pulls = mp.fsum(1 / (1 + mp.exp(mpf(v))) if f.logistic else mp.exp(-mpf(v)) for v in stored)
    log, small = mp.log(f.problem["loss_constant"] * losses), 4 * (f.n + 16) * U
    near("log_loss", c["log_loss"], log, small + 8 * U * abs(log))
    unit = real(root(square(g) / f.m, 1) / e.sum().one())
    size, found = mp.fsum(real(a * b) for a, b in zip(e.each(), f.lengths)) / real(e.sum().one()), f.problem["loss_constant"] * pulls * unit
    near("gradient_norm", c["gradient_norm"], found, found * (c["rounding"] * (size / unit) ** 2 + small + 8 * U * abs(mp.log(found))))

def distance(f, c):
    w, z, q, slopes, e, g = f.iterate()
    shown, zg = np.where(f.own, slopes == f.slopes(z.ints > 0), (slopes >= f.leak) & (slopes <= 1)), f.x @ g.T()
    need(shown.all(), "a slope that W does not show")
    worst = f.margins(zg, Exact.of(np.where(f.own, slopes, f.slopes(zg.ints > 0))))
    least, v, total = min(q.each()), min(worst.each()), e.sum().one()
    along, lengths, bounds = (w * g).sum().one(), root(square(w) * square(g), 1), []
    if least > 0: bounds.append(1 - least * total / lengths)                          # the factors sqrt(m) cancel
    if v > 0 and along > 0:
        cos_a, cos2_b = along / lengths, v * total / square(g)
        bounds.append(1 - cos_a * root(cos2_b, 0) + root(1 - cos_a**2, 1) * root(1 - cos2_b, 1))
    need(bounds and min(bounds) <= F(c["certified_cosine_gap"]), f"only {[float(b) for b in bounds]} follow")
    lasts = "linear" if f.leak == 1 else "correlated"
    need({"final": "final", "proved": lasts, "observed": "kkt"}.get(c["certified_for"], "distance") in f.claims, "certified_for without its claim")

def margin(f, c):
    _, lam, theta, given, w, z, q = f.limit()
    length, shown = root(square(w) / f.m, 1), f.load("slopes.npy") if f.has("slopes.npy") else given
    low, high = min(q.each()) / f.m / length, length / lam.sum().one()
    a, b = F(c["margin_interval.low"]), F(c["margin_interval.high"])
    need(0 < a <= low and high <= b and a <= F(c["max_margin"]) <= b, f"only [{float(low)!r}, {float(high)!r}] follows")
    moved = root(square(f.features(Exact.of(f.load("dual.npy")), Exact.of(shown)) - w) / square(w), 1)
    need(min(F(2), root(2 * (1 - low / high), 1) + 2 * moved) <= F(c["direction_error"]), "direction_error is larger")

def undecided(f, c):
    _, lam, _, _, w, _, q = f.limit()
    length = root(square(w) / f.m, 1)
    need(0 <= F(c["margin_interval.low"]) <= max(F(0), min(q.each()) / f.m / length) and length / lam.sum().one() <= F(c["margin_interval.high"]), "a wider interval follows")

def kkt(f, c):
    free, lam, theta, given, w, z, q = f.limit()
    need(max(abs(v / f.m - 1) if l > 0 else 1 - v / f.m for l, v in zip(lam.ints, q.each())) <= F(c["residual"]), "a larger residual")
    elsewhere = int(((f.own | (not free)) & (f.slopes(z.ints > 0) != given)).sum())
    need(c["support"] == (lam.ints > 0).sum() and c["inconsistent"] == elsewhere, "support, or sides of W*")
    need(f.result.get("pattern", f.result)["limit_consistent"] == (elsewhere == 0), "limit_consistent")

def gaps(f, c):
    (w, _, _, _, e, g), (_, lam, _, _, star, _, _), ku, p = f.iterate(), f.limit(), mpf(c["rounding"]), f.problem
    cos = lambda a: 1 - real((a * star).sum().one()) / mp.sqrt(real(square(a) * square(star)))
    size = lambda b, a: mp.fsum(real(v * x) for v, x in zip(b.each(), f.lengths)) / real(root(square(a) / f.m, 0))
    near("cosine_gap", c["cosine_gap"], cos(w), ku * (c["magnitude"] / real(root(square(w), 0)) + size(lam, star)) ** 2)
    near("gradient_cosine_gap", c["gradient_cosine_gap"], cos(g), ku * (size(e, g) + size(lam, star)) ** 2)
    factors, dual, gap, error = [mpf(float(p[name])) for name in ("step_size", "loss_constant", "steps")], f.load("dual.npy"), 0, 0
    for v, l, x in zip(map(mpf, f.load("margins.npy")), dual, f.lengths):
        scaled, logs = mp.fprod(factors) * (1 / (1 + mp.exp(v)) if f.logistic else mp.exp(-v)), mp.fsum(map(abs, map(mp.log, factors)))
        gap = max(gap, abs(scaled - l) / dual.max())
        error = max(error, scaled * mp.expm1(ku * real(x) * c["magnitude"] + 8 * U * (logs + abs(v) + 4)) / dual.max())
    if "dual_gap" in c: near("dual_gap", c["dual_gap"], gap, error + 4 * U * gap)

def inseparable(f, c):
    lam, theta, _, v, _, _ = f.dual("farkas.npy", np.zeros((f.n, f.m + 1)), True)
    need(abs(lam.sum().one() - 1) <= F(f.n, 2**51) and F(c["farkas_value"]) <= F(1, 2**51), "not weights of sum 1, or farkas_value is none of rounding")
    norms = [root(a * b, 0) for a, b in zip((f.x * f.x).sum(axis=1).each(), (theta * theta).sum(axis=1).each())]
    need(square(v) <= (F(c["farkas_value"]) * sum(a * b for a, b in zip(lam.each(), norms))) ** 2, "the features do not cancel")

def correlated(f, c):
    need(((f.iterate()[1].ints > 0) == f.own).all() and (f.iterate()[1].ints != 0).all(), "a pair that is not activated")
    need(((f.x @ f.x.T()).ints * np.outer(f.y, f.y).astype(int) >= 0).all(), "samples that are not positively correlated")

def flipped(rho, p, g):                                                               # tau / sqrt(d/n) with a share p of flipped labels
    if 2 * p > 1: return -flipped(rho, 1 - p, g)
    k = (1 + g) / (1 + g * g)
    beyond, on = rho * k * (1 - 2 * p) / (2 + rho * k * (1 + g)), rho * ((1 - p) * k - p) / (2 + rho * ((1 - p) * k * (1 + g) + 2 * p))
    a, delta = (on, 1 + 2 * on) if beyond * (1 - g) > g else (beyond, k * (1 + (1 + g) * beyond))
    return 2 * a / mp.sqrt(4 * a * a / (rho or 1) + (1 - p) * (k * (1 - (1 + g) * a)) ** 2 + p * delta**2)

def linear(f, c): need(f.leak == 1, "a leak that is not 1")
def xor(c, best): need(not {"test_error.predicted", "test_error.bounded.low"} & c.keys() and c.get("test_error.limit", 0.5) == 0.5 and ("test_error.bayes" not in c or best and abs(mp.log10(best) - c["test_error.log10_bayes"]) < 1e-9 and abs(c["test_error.bayes"] - best) <= 1e-9 * best + 1e-300), "an xor: a plane errs on one half, the best is 2q(1 - q)")

def test_error(f, c):
    s, d, n = tomllib.loads((f.path / "config.toml").read_text())["data"], f.problem["d"], f.n
    (name, *rest), small, k = s.get("spectrum", "identity").split(":"), 4 * (d + n + 16) * U, np.arange(1, d + 1)
    need(name in ("identity", "power", "spiked") and s.get("sampling", "rows") == "rows" and not s.get("rotated"), "only spectra by name, not rotated, and samples as rows")
    sigma = [mpf(v) for v in (k ** -float(rest[0]) if name == "power" else np.where(k <= int(rest[0]), float(rest[1]), 1) if rest else k**0.0)]
    mean, trace = mpf(s["signal"]) / mp.sqrt(d), mp.fsum(sigma)
    near("signal_ratio", c["test_error.signal_ratio"], n * d * mean**2 / trace, small * n * d * mean**2 / trace)
    planes, logs = {"test_error.predicted", "test_error.limit"} & c.keys(), {}
    need(f.leak > 0 or not planes, "the error of a plane at leak 0, where the boundary is none")
    if s.get("clusters") == "xor": return xor(c, 2 * q * (1 - q) if min(sigma) == max(sigma) and (q := mp.erfc(mean * mp.sqrt(d / sigma[0]) / 2) / 2) else 0)
    even = 2 * f.problem["positive"] == f.m and s.get("noise", "gaussian") == "gaussian" and min(sigma) == max(sigma)
    known = "label noise, leading order" if (flips := int(c.get("test_error.flipped_labels", 0))) and even else "leading order"
    if "test_error.predicted" in c:
        need(c.get("test_error.predicted_by", known) == known == f.result["test_error"].get("predicted_by", known), f"predicted_by is {known}")
        plain = n * d * mean**2 / mp.sqrt(n * n * mean**2 * trace + n * mp.fsum(v * v for v in sigma))
        noisy = flipped(n * d * mean**2 / trace, mpf(flips) / n, mpf(f.leak)) * mp.sqrt(mpf(d) / n)
        logs["predicted"] = plain if known == "leading order" else noisy, small
    if "test_error.bayes" in c: logs["bayes"] = mp.sqrt(mean**2 * mp.fsum(1 / v for v in sigma)), small
    if "test_error.limit" in c:
        (_, lam, _, _, w, _, _), signs = f.limit(), np.where(np.arange(f.m) < f.problem["positive"], 1, -1)
        plane = [real(v) for v in Exact(signs.astype(object) @ w.ints, w.shift).each()]
        size, spread = f.m * mp.fsum(real(a * b) for a, b in zip(lam.each(), f.lengths)), mp.fsum(v * v * a for v, a in zip(plane, sigma))
        ku = 4 * (n + d + f.m + 16) * U * size * (mean * mp.sqrt(d) / abs(mean * mp.fsum(plane)) + mp.sqrt(max(sigma) / spread))
        logs["limit"] = mean * mp.fsum(plane) / mp.sqrt(spread), ku + small
    for name, (tau, error) in logs.items():
        log = mp.log10(mp.erfc(tau / mp.sqrt(2)) / 2)
        near(name, c[f"test_error.log10_{name}"], log, (tau**2 + abs(tau) + 1) * error + mpf(2e-14) * abs(log) + 4 * U)
        need(c[f"test_error.{name}"] < 1e-300 or abs(mp.log10(c[f"test_error.{name}"]) - log) < 1e-12 * (1 + tau**2), name)

def main(folder, samples):
    f, failed, checks = Folder(folder, samples), 0, {check.__name__: check for check in (data, margins, distance, margin, undecided, kkt, gaps, inseparable, correlated, linear, final, test_error, held_out)}
    for claim in f.certificate["claims"]:
        kind, said = claim["kind"], {name: float(v) for name, v in claim["numbers"].items()} | claim["choices"]
        try:
            for name, number in claim["numbers"].items():                             # result.json says the same
                at = f.result
                for key in name.replace("interval.low", "interval.0").replace("interval.high", "interval.1").split("."):
                    at = at[int(key)] if isinstance(at, list) else at.get(key) if isinstance(at, dict) else None
                need(at is None or at == number, f"{name} is another in result.json")
            for name, digest in claim["files"].items() if blake3 else ():
                need(blake3.blake3((f.path / name).read_bytes()).hexdigest() == digest, f"{name} has another digest")
            done = checks[kind](f, said) is None if kind in checks and (kind != "data" or blake3) else False
            print(f"{kind:>12}  {'verified' if done else 'not checked here: farfield verify does'}")
        except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
            failed = 1
            print(f"{kind:>12}  not verified: {error}")
    return failed
if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
