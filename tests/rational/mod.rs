//! Exact answers for small problems, in integers without bound: whether rows can be separated, and γ*².
#![allow(dead_code)] // each test file uses its part

use farfield::matrix::Matrix;
use num_bigint::{BigInt, Sign};

/// `v·2^scale` as an integer; scale must be large enough.
fn integer(v: f64, scale: i32) -> BigInt {
    let bits = v.abs().to_bits();
    let exponent = (bits >> 52) as i32;
    let (mantissa, exponent) = match exponent {
        0 => (bits, -1074),
        e => (bits & ((1 << 52) - 1) | 1 << 52, e - 1075),
    };
    let mantissa = BigInt::from(mantissa) * BigInt::from(v.signum() as i32);
    let shift = exponent + scale;
    if shift >= 0 {
        mantissa << shift as usize
    } else {
        let down = mantissa >> (-shift) as usize;
        assert!(
            v == 0.0 || (&down << (-shift) as usize) == BigInt::from(bits_of(v)) * v.signum() as i32,
            "the scale is too small for {v:e}"
        );
        down
    }
}

fn bits_of(v: f64) -> u64 {
    let bits = v.abs().to_bits();
    if bits >> 52 == 0 { bits } else { bits & ((1 << 52) - 1) | 1 << 52 }
}

/// The numbers times one power of two that makes them integers, and its exponent.
pub fn integers(values: &[f64]) -> (Vec<BigInt>, i32) {
    let last = |v: &f64| {
        let e = ((v.abs().to_bits() >> 52) as i32).max(1) - 1075;
        -(e + bits_of(*v).trailing_zeros() as i32)
    };
    let scale = values.iter().filter(|v| **v != 0.0).map(last).max().unwrap_or(0);
    (values.iter().map(|v| integer(*v, scale)).collect(), scale)
}

/// A sample (index) with its slopes in every group, as integers at one scale.
pub struct Row {
    pub sample: usize,
    pub slopes: Vec<BigInt>,
}

/// Rows of a problem in integers: X at one scale, slopes at another.
pub struct Exact {
    pub x: Vec<Vec<BigInt>>,
    pub y: Vec<i32>,
    pub signs: Vec<i32>,
    pub sizes: Vec<usize>,
    pub rows: Vec<Row>,
    /// γ* is that of the integers times 2 to this.
    pub exponent: i32,
}

impl Exact {
    /// `rows` are samples with slopes for each group; a group has a sign and a size.
    pub fn new(x: &Matrix, y: &[f64], groups: &[(f64, usize)], rows: &[(usize, Vec<f64>)]) -> Self {
        let (entries, a) = integers(x.values());
        let slopes: Vec<f64> = rows.iter().flat_map(|(_, s)| s.iter().copied()).collect();
        let (slopes, b) = integers(&slopes);
        let p = groups.len();
        let row = |(r, (i, _)): (usize, &(usize, Vec<f64>))| Row { sample: *i, slopes: slopes[r * p..][..p].to_vec() };
        Self {
            x: entries.chunks(x.cols()).map(<[BigInt]>::to_vec).collect(),
            y: y.iter().map(|y| *y as i32).collect(),
            signs: groups.iter().map(|g| g.0 as i32).collect(),
            sizes: groups.iter().map(|g| g.1).collect(),
            rows: rows.iter().enumerate().map(row).collect(),
            exponent: -(a + b),
        }
    }

    fn features(&self, r: usize) -> Vec<BigInt> {
        let row = &self.rows[r];
        let sign = |p: usize| BigInt::from(self.y[row.sample] * self.signs[p]);
        let block = |p: usize| self.x[row.sample].iter().map(move |v| v * &row.slopes[p] * sign(p));
        (0..row.slopes.len()).flat_map(block).collect()
    }

    /// Whether some W has `⟨Φ_r, W⟩ > 0` for all rows: not, if and only if λ ≥ 0 with Σλ = 1 and `Σ λ_r Φ_r = 0` exists.
    /// Phase one of the simplex method with Bland's rule, on integers (Edmonds' division-free pivots).
    pub fn separable(&self) -> bool {
        let columns: Vec<Vec<BigInt>> = (0..self.rows.len()).map(|r| self.features(r)).collect();
        let (n, size) = (columns.len(), columns[0].len());
        // rows: D of features and one of ones; columns: n weights and the right side; the last row is the objective
        let mut t: Vec<Vec<BigInt>> = (0..size)
            .map(|k| columns.iter().map(|c| c[k].clone()).chain([BigInt::ZERO]).collect())
            .chain([vec![BigInt::from(1); n + 1]])
            .collect();
        let objective = (0..=n).map(|c| -t.iter().map(|row| &row[c]).sum::<BigInt>()).collect();
        t.push(objective);
        let mut basis: Vec<usize> = (n..n + size + 1).collect();
        let mut denominator = BigInt::from(1);
        let entering = |t: &[Vec<BigInt>], basis: &[usize]| {
            (0..n).find(|&c| t[size + 1][c].sign() == Sign::Minus && !basis.contains(&c))
        };
        while let Some(c) = entering(&t, &basis) {
            let mut leaving: Option<usize> = None;
            for r in (0..=size).filter(|&r| t[r][c].sign() == Sign::Plus) {
                leaving = Some(leaving.map_or(r, |l| {
                    let (ours, theirs) = (&t[r][n] * &t[l][c], &t[l][n] * &t[r][c]);
                    if ours < theirs || ours == theirs && basis[r] < basis[l] { r } else { l }
                }));
            }
            let r = leaving.expect("the objective is bounded");
            let pivot = t[r][c].clone();
            let row = t[r].clone();
            for (k, line) in t.iter_mut().enumerate().filter(|(k, _)| *k != r) {
                let factor = line[c].clone();
                for (v, u) in line.iter_mut().zip(&row) {
                    *v = (&*v * &pivot - &factor * u) / &denominator;
                }
                debug_assert!(k > size || line[n].sign() != Sign::Minus);
            }
            basis[r] = c;
            denominator = pivot;
        }
        t[size + 1][n].sign() != Sign::NoSign
    }

    /// `‖Σ λ_r Φ_r‖` of weights for the rows, rounded once.
    pub fn sum_norm(&self, weights: &[f64]) -> f64 {
        let (weights, scale) = integers(weights);
        let width: usize = self.sizes.iter().sum();
        let d = self.x[0].len();
        let mut sum = vec![BigInt::ZERO; d * self.sizes.len()];
        for (r, l) in weights.iter().enumerate() {
            sum.iter_mut().zip(self.features(r)).for_each(|(s, f)| *s += f * l);
        }
        let squares = sum.iter().enumerate().map(|(k, s)| s * s * BigInt::from(self.sizes[k / d]));
        let (value, shift) = leading(&squares.sum::<BigInt>());
        let exponent = shift + 2 * (self.exponent - scale);
        let half = exponent.div_euclid(2);
        (value * 2f64.powi(exponent - 2 * half) / width as f64).sqrt() * 2f64.powi(half)
    }

    /// `⟨Φ_r, Φ_s⟩·m` in integers.
    fn gram(&self) -> Vec<Vec<BigInt>> {
        let inner: Vec<Vec<BigInt>> = self
            .x
            .iter()
            .map(|a| self.x.iter().map(|b| a.iter().zip(b).map(|(a, b)| a * b).sum::<BigInt>()).collect())
            .collect();
        let entry = |r: &Row, s: &Row| {
            let overlap: BigInt =
                (0..self.sizes.len()).map(|p| &r.slopes[p] * &s.slopes[p] * BigInt::from(self.sizes[p])).sum();
            overlap * &inner[r.sample][s.sample] * BigInt::from(self.y[r.sample] * self.y[s.sample])
        };
        self.rows.iter().map(|r| self.rows.iter().map(|s| entry(r, s)).collect()).collect()
    }

    /// γ*² of the integers times m as a fraction, by an active set that starts from the support given by weights. None if it does
    /// not end.
    pub fn margin_squared(&self, weights: &[f64]) -> Option<(BigInt, BigInt)> {
        let h = self.gram();
        let mut support: Vec<usize> = (0..h.len()).filter(|&r| weights[r] > 0.0).collect();
        for _ in 0..40 + 4 * h.len() {
            let (lambda, denominator) = match solve(&h, &support) {
                Ok(solved) => solved,
                Err(dependent) => {
                    support.remove(dependent);
                    continue;
                }
            };
            let least = (0..support.len()).min_by(|&a, &b| lambda[a].cmp(&lambda[b]));
            if let Some(p) = least.filter(|&p| lambda[p].sign() == Sign::Minus) {
                support.remove(p);
                continue;
            }
            let slack =
                |r: usize| support.iter().zip(&lambda).map(|(&s, l)| &h[r][s] * l).sum::<BigInt>() - &denominator;
            let worst = (0..h.len()).filter(|r| !support.contains(r)).map(|r| (slack(r), r)).min();
            match worst {
                Some((slack, r)) if slack.sign() == Sign::Minus => support.push(r),
                _ => return Some((denominator, lambda.iter().sum())),
            }
        }
        None
    }

    /// Whether `low ≤ γ* ≤ high`, γ*² = m·num/den in the integers' units.
    pub fn contains(&self, (num, den): &(BigInt, BigInt), interval: (f64, f64)) -> bool {
        // γ² = (num/den)·(integers' unit)², h was multiplied by m
        let m: usize = self.sizes.iter().sum();
        let below = |v: f64| {
            let (v, scale) = integers(&[v]); // v = V·2^-scale; V² 2^(-2 scale) against num/(den·m)·2^(2 exponent)
            let shift = 2 * (self.exponent + scale);
            let (left, right) = (&v[0] * &v[0] * den * BigInt::from(m), num.clone());
            if shift >= 0 { left.cmp(&(right << shift as usize)) } else { (left << (-shift) as usize).cmp(&right) }
        };
        below(interval.0).is_le() && (interval.1 == f64::INFINITY || below(interval.1).is_ge())
    }
}

/// `v ≈ f·2^e` for v ≥ 0.
fn leading(v: &BigInt) -> (f64, i32) {
    let shift = (v.bits() as i32 - 60).max(0);
    let top = v >> shift as usize;
    let digits = top.to_u64_digits().1;
    (digits.first().map_or(0.0, |d| *d as f64), shift)
}

/// λ·det and det > 0 with `H_SS λ = 1`, or the position of a row of S that depends on those before it.
fn solve(h: &[Vec<BigInt>], support: &[usize]) -> Result<(Vec<BigInt>, BigInt), usize> {
    let s = support.len();
    let row = |&r: &usize| support.iter().map(|&k| h[r][k].clone()).chain([BigInt::from(1)]).collect();
    let mut a: Vec<Vec<BigInt>> = support.iter().map(row).collect();
    let mut denominator = BigInt::from(1);
    for p in 0..s {
        if a[p][p].sign() == Sign::NoSign {
            return Err(p);
        }
        let pivot = a[p].clone();
        for (_, line) in a.iter_mut().enumerate().filter(|(r, _)| *r != p) {
            let factor = line[p].clone();
            for (v, u) in line.iter_mut().zip(&pivot) {
                *v = (&*v * &pivot[p] - &factor * u) / &denominator;
            }
        }
        denominator = pivot[p].clone();
    }
    Ok((a.into_iter().map(|mut line| line.pop().expect("the right side")).collect(), denominator))
}
