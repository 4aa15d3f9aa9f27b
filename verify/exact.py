"""Exact numbers for verify.py. Floats are integers times a power of two, and Python's integers do not round, so that sums of products are
exact. Square roots are enclosed to 200 bits. exp, log and erfc are mpmath's, to 60 digits: they enter what is claimed up to a tolerance, and
the claim that a pattern is final, but no bound of a distance or a margin: of the weights there no more is asked than that none is negative."""
import sys
from fractions import Fraction as F
from math import isqrt
import numpy as np
from mpmath import mp, mpf
mp.dps, U = 60, mpf(2) ** -53

class Exact:                                                                          # an array of integers times 2^-shift
    def __init__(self, ints, shift): self.ints, self.shift = ints, shift
    @staticmethod
    def of(array):
        mantissa, exponent = np.frexp(np.asarray(array, dtype=np.float64))
        ints, exponent = np.ldexp(mantissa, 53).astype(np.int64).astype(object), exponent.astype(np.int64) - 53
        shift = int(max(0, -exponent[mantissa != 0].min(initial=0)))
        return Exact(ints * 2 ** np.maximum(exponent + shift, 0).astype(object), shift)
    def to(self, shift): return self.ints * 2 ** (shift - self.shift)
    def __add__(a, b): return Exact(a.to(max(a.shift, b.shift)) + b.to(max(a.shift, b.shift)), max(a.shift, b.shift))
    def __sub__(a, b): return a + Exact(-b.ints, b.shift)
    def __mul__(a, b): return Exact(a.ints * b.ints, a.shift + b.shift)
    def __matmul__(a, b): return Exact(a.ints.dot(b.ints), a.shift + b.shift)
    def sum(self, axis=None): return Exact(np.asarray(self.ints.sum(axis=axis)), self.shift)
    def each(self): return [F(int(v), 2**self.shift) for v in self.ints.ravel()]
    def one(self): return self.each()[0]
    def T(self): return Exact(self.ints.T, self.shift)
def root(q, up):
    """A bound of the square root of a rational number, from below or above."""
    bits = 400 + 2 * max(0, q.denominator.bit_length() - q.numerator.bit_length())
    return F(isqrt(max(q.numerator, 0) * 2**bits // q.denominator) + up, 2 ** (bits // 2))
def square(w): return (w * w).sum().one()
def real(q): return mpf(q.numerator) / q.denominator
def need(so, why):
    if not so: raise ValueError(why)
def near(name, stated, found, error):
    over = stated == float("inf") and found > sys.float_info.max                       # out of the range of f64
    need(over or abs(mpf(stated) - found) <= error, f"{name} is {mp.nstr(found, 17)}, stated {stated!r}")
