//! A factor `A = QR` of columns that come and go, in 106 bits: Gram and Schmidt's method with every column
//! orthogonalized twice (Giraud, Langou and Rozložník 2005), which keeps Q orthogonal to rounding whatever the
//! condition of A.

use super::double::Double;
use super::vector::Vector;

/// What is left of a column, relative to its length, when it depends on those before it and is known to 106 bits.
pub const DEPENDENT: f64 = 1.0 / (1u128 << 90) as f64;

/// Q (columns) and R (column c has c + 1 entries).
#[derive(Default)]
pub struct Factor {
    q: Vec<Vector>,
    r: Vec<Vec<Double>>,
}

impl Factor {
    /// Appends a column; false, and nothing happens, if no more than a part `dependent` of it is across those before it.
    pub fn push(&mut self, a: &Vector, dependent: f64) -> bool {
        let mut v = a.clone();
        let mut column = vec![Double::ZERO; self.q.len() + 1];
        for _ in 0..2 {
            for (q, r) in self.q.iter().zip(&mut column) {
                let c = q.dot(&v);
                v.add_scaled(-c, q);
                *r += c;
            }
        }
        let length = v.dot(&v).sqrt();
        if length.hi.is_nan() || length.hi <= dependent * a.dot(a).sqrt().hi {
            return false;
        }
        column[self.q.len()] = length;
        v.scale(Double::ONE / length);
        self.q.push(v);
        self.r.push(column);
        true
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.q.len()
    }

    /// Column k of R, k + 1 numbers.
    pub fn column(&self, k: usize) -> &[Double] {
        &self.r[k]
    }

    /// Column k of Q.
    pub fn direction(&self, k: usize) -> &Vector {
        &self.q[k]
    }

    /// Removes column p: the columns after it have one entry too many, which rotations of rows bring to 0.
    pub fn remove(&mut self, p: usize) {
        self.r.remove(p);
        for c in p..self.r.len() {
            let (a, b) = (self.r[c][c], self.r[c][c + 1]);
            let length = (a * a + b * b).sqrt();
            let (cos, sin) = (a / length, b / length);
            for column in &mut self.r[c..] {
                let (x, y) = (column[c], column[c + 1]);
                column[c] = cos * x + sin * y;
                column[c + 1] = cos * y - sin * x;
            }
            self.r[c].truncate(c + 1);
            let (head, tail) = self.q.split_at_mut(c + 1);
            Vector::rotate(cos, sin, &mut head[c], &mut tail[0]);
        }
        self.q.pop();
    }

    /// `Qᵀb`.
    pub fn project(&self, b: &Vector) -> Vec<Double> {
        self.q.iter().map(|q| q.dot(b)).collect()
    }

    /// Takes `Q Qᵀ b` off b, twice.
    pub fn reject(&self, b: &mut Vector) {
        for _ in 0..2 {
            for q in &self.q {
                let c = q.dot(b);
                b.add_scaled(-c, q);
            }
        }
    }

    /// `R⁻¹ t`.
    pub fn solve(&self, mut t: Vec<Double>) -> Vec<Double> {
        for c in (0..t.len()).rev() {
            t[c] = t[c] / self.r[c][c];
            let v = t[c];
            for k in 0..c {
                t[k] = t[k] - v * self.r[c][k];
            }
        }
        t
    }

    /// `Q R⁻ᵀ b`: the shortest w with `Aᵀw = b`, of N numbers.
    pub fn shortest(&self, b: &[Double], n: usize) -> Vector {
        let mut t = b.to_vec();
        for c in 0..t.len() {
            let done = (0..c).fold(t[c], |s, k| s - self.r[c][k] * t[k]);
            t[c] = done / self.r[c][c];
        }
        let mut w = Vector::zeros(n);
        self.q.iter().zip(t).for_each(|(q, t)| w.add_scaled(t, q));
        w
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(n: usize, count: usize) -> Vec<Vector> {
        // nearly equal columns: 1 + 2⁻⁴⁰·(small numbers)
        let entry = |k: usize, c: usize| Double::sum(1.0, ((k * 7 + c * 13 + k * c * 5) % 11) as f64 * 2f64.powi(-40));
        (0..count).map(|c| Vector::from_numbers((0..n).map(|k| entry(k, c)))).collect()
    }

    #[test]
    fn columns_come_and_go() {
        let (n, all) = (9, columns(9, 5));
        let mut factor = Factor::default();
        assert!(all.iter().all(|a| factor.push(a, DEPENDENT)));
        assert!(!factor.push(&all[2], DEPENDENT), "a column twice");
        factor.remove(1);
        factor.remove(3);
        let left = [&all[0], &all[2], &all[3]];
        let b = [Double::ONE, Double::from(2.0), Double::from(-1.0)];
        let w = factor.shortest(&b, n);
        // condition 2⁴⁰: 106 − 40 bits are left
        for (a, b) in left.iter().zip(b) {
            assert!((a.dot(&w) - b).hi.abs() < 2f64.powi(-55), "{:?}", a.dot(&w));
        }
        let x = factor.solve(factor.project(&w));
        let mut rest = w.clone();
        left.iter().zip(x).for_each(|(a, x)| rest.add_scaled(-x, a));
        assert!(rest.dot(&rest).sqrt().hi < 2f64.powi(-55) * w.dot(&w).sqrt().hi);
        let mut y = all[4].clone();
        factor.reject(&mut y);
        left.iter().for_each(|a| assert!(a.dot(&y).hi.abs() < 2f64.powi(-95)));
    }
}
