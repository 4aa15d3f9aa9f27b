"""The claim that a pattern is final, for verify.py: Proposition 10 of docs/theory.md, its part (c) for each pair, else (b)."""
import numpy as np
from exact import F, Exact, mp, mpf, need, real, square

def final(f, c):
    """U is along the sum of lambda_i Phi_i: no way of a pre-activation to 0 is finite."""
    (w, z, q, _, _, _), bits, p = f.iterate(), f.bits(), f.problem
    need((abs(z.ints) > 0).all() and min(q.ints) > 0 and ((z.ints > 0) == bits).all(), "pattern.npy is not that of W")
    slopes, lam, first, squares = f.slopes(bits), Exact.of(f.load("dual.npy")), np.arange(f.m) < p["positive"], (f.x * f.x).sum(axis=1)
    loss = mp.fsum(mp.log1p(mp.exp(-v)) if f.logistic else mp.exp(-v) for v in (real(v) / mp.sqrt(f.m) for v in q.each()))
    eta = loss / mp.expm1(loss) if f.logistic else mpf(1)                              # the least l e^q among losses of at most L/c
    step = p["step_size"] * mpf(p["loss_constant"]) * loss                             # alpha L
    share, g = step * real(squares.sum().one()), f.features(lam, Exact.of(slopes))     # lambda_max(K) <= tr K
    total, length, image = real(lam.sum().one()), mp.sqrt(real(square(g)) / f.m), f.x @ g.T()
    along, at = [real(v) / f.m / length for v in f.margins(image, Exact.of(slopes)).each()], real((w * g).sum().one()) / mp.sqrt(f.m) / length
    margin, weights = min(along), [real(l) / total for l in lam.each()]                # <Phi_i, U> in along, p in at
    need(share <= 1 and margin > 0 and at > 0, "the loss need not fall, or lambda does not separate")
    spread = mp.log(mp.fsum(mp.exp(-at * (v - margin)) for v in along) / eta) + mp.fsum(v * mp.log(v) for v in weights if v)
    excess, across = length / total / margin - 1, real(square(w)) - at**2 + step / (1 - share / 2)              # epsilon, ||r||^2 + D
    slope = 2 * max(spread, 0) / margin + 2 * excess * at                              # B + 2 epsilon p
    for i, j in np.ndindex(f.n, f.m):
        side, number = 2 * int(bits[i, j]) - 1, lambda a, l: (2 * int(bits[i, j]) - 1) * real(F(int(a.ints[i, l]), 2**a.shift))
        group = [l for l in range(f.m) if first[l] == first[j] and (bits[:, l] == bits[:, j]).all()]
        rate, reach = number(image, j) / mp.sqrt(f.m) / length, real(F(int(squares.ints[i]), 2**squares.shift)) / len(group)
        start = rate * at + number(z, j) - mp.fsum(number(z, l) for l in group) / len(group)
        a, b, c = rate**2 - reach * excess, 2 * start * rate - reach * slope, start**2 - reach * across
        if start > 0 and c > 0 and (b * b < 4 * a * c or (a >= 0 and b >= 0)): continue                         # the cone keeps it away
        inwards = side * (2 * int(first[j]) - 1) * f.y.astype(int) * (f.x.ints @ f.x.ints[i]) < 0               # the samples that push it
        need(not inwards.any(), f"sample {i} and neuron {j} may come to 0")
