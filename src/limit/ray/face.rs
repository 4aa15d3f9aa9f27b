//! S, the largest set of rows that cancel, and the rows projected onto the complement of its span.
//!
//! Rows that cancel are found ([`hull`]), the others projected onto the complement of their span, those that vanish dropped,
//! and so on until a W separates what is left.

use crate::limit::precise::double::Double;
use crate::limit::precise::factor::Factor;
use crate::limit::precise::hull;
use crate::limit::precise::vector::Vector;

/// What counts as nothing in rows of 106 bits that are known to f64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    /// What is left of a row, relative to its length, if it is within the span.
    pub within: f64,
    /// The sum of rows that cancel, relative to their lengths.
    pub cancels: f64,
    /// Weights of rows that cancel, relative to the largest, that may be owed to rounding.
    pub slight: f64,
}

/// How rows are judged.
///
/// `cancels` is the standard of a proof ([`PROOF`](crate::limit::PROOF)): rows that are moved by so much of their lengths cancel
/// exactly. `within` is what rounding leaves of a sample that is in the span: half an ε, a few times over where the sample was computed, times the
/// condition of the rows that span S. `slight` is far above what 106 bits leave of a weight and far below any that matters.
///
/// How much they decide (`campaign.rs`, 10 002 problems, each constant 1/100, 1/10, 10 and 100 times as large): of 3334 with arbitrary
/// numbers and 3334 with integers none gets another S. Of 3334 whose samples were turned by a reflection, and cancel up to its
/// rounding, none does with larger constants; smaller ones are below that rounding: 11 and 482 change with 1/10 and 1/100 of `within`,
/// 913 and 2822 with those of `cancels`, none with those of `slight`.
pub(super) const JUDGEMENT: Judgement =
    Judgement { within: 64.0 * f64::EPSILON, cancels: 2.0 * f64::EPSILON, slight: 1e-10 };

/// S and its span.
pub(super) struct Face {
    /// Whether a row is in S.
    pub within: Vec<bool>,
    /// Of the rows of the basis.
    pub factor: Factor,
    /// Rows that span S.
    pub basis: Vec<usize>,
    /// The rows projected onto the complement.
    pub rejected: Vec<Vector>,
    /// Multiply-adds of 106 bits, roughly.
    pub work: f64,
}

impl Face {
    /// Of rows that are scaled to lengths from 1 to 2, or 0.
    pub fn new(columns: &[Vector], judgement: Judgement) -> Self {
        let mut face = Self {
            within: columns.iter().map(|c| c.dot(c).hi == 0.0).collect(),
            factor: Factor::default(),
            basis: Vec::new(),
            rejected: columns.to_vec(),
            work: 0.0,
        };
        while face.grow(columns, judgement) {}
        face
    }

    /// Adds rows that cancel and those in their span; false if a W separates what is left.
    fn grow(&mut self, columns: &[Vector], judgement: Judgement) -> bool {
        let left: Vec<usize> = (0..columns.len()).filter(|&r| !self.within[r]).collect();
        if left.is_empty() {
            return false;
        }
        let units: Vec<Vector> = left.iter().map(|&r| unit(&self.rejected[r]).0).collect();
        let found = hull::nearest(&units, &vec![1.0; left.len()], &[], judgement.cancels);
        self.work += work(&units, found.pivots);
        if !found.cancels {
            return false;
        }
        // weights as small as rounding only make up for rounding
        let top = found.weights.iter().fold(0.0f64, |t, u| t.max(u.hi));
        let carries = |u: &Double| u.hi > judgement.slight * top;
        for (&r, _) in left.iter().zip(&found.weights).filter(|(_, u)| carries(u)) {
            self.within[r] = true;
            if self.factor.push(&columns[r], judgement.within) {
                self.basis.push(r);
            }
        }
        for (r, column) in columns.iter().enumerate() {
            self.rejected[r].clone_from(column);
            self.factor.reject(&mut self.rejected[r]);
            let (rest, all) = (self.rejected[r].dot(&self.rejected[r]), column.dot(column));
            self.within[r] |= rest.sqrt().hi <= judgement.within * all.sqrt().hi;
        }
        true
    }
}

/// Multiply-adds of a search with so many pivots: each asks all rows, and the factor.
pub(super) fn work(rows: &[Vector], pivots: usize) -> f64 {
    let size = rows.first().map_or(0, Vector::len);
    let factor = 4 * size.min(rows.len());
    pivots as f64 * (rows.len() + factor) as f64 * size as f64
}

/// Scaled to a length from 1 to 2 by a power of two, and that.
pub(super) fn unit(v: &Vector) -> (Vector, f64) {
    let mut v = v.clone();
    let scale = libm::exp2(-libm::floor(libm::log2(v.dot(&v).sqrt().hi)));
    v.scale(Double::from(scale));
    (v, scale)
}
