//! The rows Φ_r whose half-spaces `⟨Φ_r, W⟩ ≥ 1` bound the margins, and their products.
//!
//! A row is a sample with a slope for every group of neurons that are treated alike,
//!
//! ```text
//! Φ_r = y_i (a_p c_rp x_i)_p,   r = (i, c_r),      ⟨Φ_r, Φ_s⟩ = y_i y_k K_ik Σ_p (m_p/m) c_rp c_sp
//! ```
//!
//! one per sample in a fixed pattern, one or more where pairs may slide. Nothing here needs X: only `K = XXᵀ`.

use crate::inner_products::Direction;
use crate::matrix::Matrix;
use crate::network::{Groups, Network};

/// One half-space: a sample and its slope in every group.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The sample i.
    pub sample: usize,
    /// c_rp, P slopes in [γ, 1].
    pub slopes: Vec<f64>,
}

impl Row {
    /// Whether every slope is 0, as leak 0 allows: the row is 0 whatever the sample is, and cancels by itself.
    pub fn dead(&self) -> bool {
        self.slopes.iter().all(|c| *c == 0.0)
    }
}

/// Rows of one network on n labelled samples.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Labels ±1 (n).
    pub y: Vec<f64>,
    /// The network.
    pub network: Network,
    /// P groups of neurons with equal sign and equal slopes.
    pub groups: Groups,
    /// The rows. The first n are those of the samples in order.
    pub list: Vec<Row>,
    /// Whether pairs of opposite sign may take either slope, so that a sample has a row for every choice.
    pub sliding: bool,
}

impl Rows {
    /// The rows of n samples with given slopes (n×m) in groups of neurons that share them.
    pub fn fixed(y: &[f64], network: &Network, groups: Groups, slope: impl Fn(usize, usize) -> f64) -> Self {
        let row = |i| Row { sample: i, slopes: groups.first.iter().map(|&j| slope(i, j)).collect() };
        let list = (0..y.len()).map(row).collect();
        Self { y: y.to_vec(), network: *network, groups, list, sliding: false }
    }

    /// The row of sample i that is least at a W with images `z_ip > 0` where `positive(p)`.
    pub fn least(&self, i: usize, positive: impl Fn(usize) -> bool) -> Row {
        let slopes = (0..self.groups.len()).map(|p| self.least_slope(i, p, positive(p))).collect();
        Row { sample: i, slopes }
    }

    /// Slope p of that row: an opposite-sign pair enters the margin as `−φ(z)`, the lesser of `−z` and `−γz`.
    pub fn least_slope(&self, i: usize, p: usize, positive: bool) -> f64 {
        match (self.sliding && !self.own(i, p), positive) {
            (false, _) => self.list[i].slopes[p],
            (true, true) => 1.0,
            (true, false) => self.network.leak,
        }
    }

    /// `√(Σ_p (m_p/m) c_rp²)`, the length of a row whose sample has length 1.
    pub fn stretch(&self, row: &Row) -> f64 {
        (0..row.slopes.len()).map(|p| self.share(p) * row.slopes[p] * row.slopes[p]).sum::<f64>().sqrt()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// `m_p/m`.
    pub fn share(&self, p: usize) -> f64 {
        self.groups.size[p] as f64 / self.network.width as f64
    }

    /// Whether sample i and group p have one sign.
    pub fn own(&self, i: usize, p: usize) -> bool {
        self.network.sign(self.groups.first[p]) * self.y[i] > 0.0
    }

    /// The place of a row, which is added if it is not there.
    pub fn place(&mut self, row: Row) -> usize {
        self.list.iter().position(|r| *r == row).unwrap_or_else(|| {
            self.list.push(row);
            self.list.len() - 1
        })
    }

    /// `‖Φ_r‖` from the lengths of the samples.
    pub fn lengths(&self, norms: &[f64]) -> Vec<f64> {
        self.list.iter().map(|r| norms[r.sample] * self.stretch(r)).collect()
    }

    /// `m_p/m` of all groups.
    pub fn shares(&self) -> Vec<f64> {
        (0..self.groups.len()).map(|p| self.share(p)).collect()
    }

    /// `⟨Φ_r, Φ_s⟩` of all rows from K (n×n).
    pub fn gram(&self, k: &Matrix) -> Matrix {
        self.gram_of(k, self.list.iter())
    }

    /// `⟨Φ_r, Φ_s⟩` of some rows.
    pub fn gram_of<'a>(&self, k: &Matrix, rows: impl ExactSizeIterator<Item = &'a Row> + Clone) -> Matrix {
        let overlaps = Overlaps::new(&self.shares(), rows.clone().map(|row| &row.slopes[..]));
        let (class, samples, size) = (&overlaps.class, rows.clone().map(|row| row.sample), rows.len());
        let signed = |of: &Vec<f64>| samples.clone().zip(class).map(|(i, class)| of[*class] * self.y[i]).collect();
        let signed: Vec<Vec<f64>> = overlaps.table.iter().map(signed).collect();
        let mut h = Vec::with_capacity(size * size);
        for (class, a) in class.iter().zip(samples.clone()) {
            let (products, y) = (k.row(a), self.y[a]);
            h.extend(samples.clone().zip(&signed[*class]).map(|(b, overlap)| products[b] * (y * overlap)));
        }
        Matrix::new(size, size, h)
    }

    /// `λ_i`, the sum of the weights of a sample's rows (n).
    pub fn per_sample(&self, weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.y.len()];
        self.list.iter().zip(weights).for_each(|(r, l)| sum[r.sample] += l);
        sum
    }

    /// `ν_ip = Σ_r λ_r c_rp` (n×P).
    pub fn by_group(&self, weights: &[f64]) -> Matrix {
        let mut nu = Matrix::zeros(self.y.len(), self.groups.len());
        for (row, l) in self.list.iter().zip(weights) {
            nu.row_mut(row.sample).iter_mut().zip(&row.slopes).for_each(|(nu, c)| *nu = l.mul_add(*c, *nu));
        }
        nu
    }

    /// `W = Σ_r λ_r Φ_r` from ν (n×P): column p is `a_p y_i ν_ip`.
    pub fn direction(&self, nu: &Matrix) -> Direction {
        let column = |p: usize| {
            let a = self.network.output(self.groups.first[p]);
            (0..self.y.len()).map(|i| a * self.y[i] * nu[(i, p)]).collect()
        };
        Direction { columns: (0..self.groups.len()).map(column).collect(), groups: self.groups.clone() }
    }

    /// Coefficients of the decision boundary on the samples, `y_i Σ_p (m_p/m) ν_ip`.
    pub fn boundary(&self, nu: &Matrix) -> Vec<f64> {
        let share = |i: usize| (0..self.groups.len()).map(|p| self.y[i] * self.share(p) * nu[(i, p)]).sum();
        (0..self.y.len()).map(share).collect()
    }
}

/// `Σ_p (m_p/m) c_rp c_sp` of rows r and s of slopes, of which few differ: those that are equal are a class.
pub struct Overlaps {
    /// The class of each row.
    pub class: Vec<usize>,
    /// Of each class with each other.
    pub table: Vec<Vec<f64>>,
}

impl Overlaps {
    /// Of rows of as many slopes as there are shares.
    pub fn new<'a>(shares: &[f64], rows: impl Iterator<Item = &'a [f64]>) -> Self {
        let (mut classes, mut class): (Vec<&[f64]>, _) = (Vec::new(), Vec::new());
        for row in rows {
            let known = classes.iter().position(|slopes| *slopes == row);
            class.push(known.unwrap_or(classes.len()));
            if known.is_none() {
                classes.push(row);
            }
        }
        let overlaps = |a: &&[f64]| -> Vec<f64> {
            let scaled: Vec<f64> = shares.iter().zip(*a).map(|(share, c)| share * c).collect();
            classes.iter().map(|b| scaled.iter().zip(*b).map(|(c, d)| c * d).sum()).collect()
        };
        Self { table: classes.iter().map(overlaps).collect(), class }
    }
}
