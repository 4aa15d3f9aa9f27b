//! The limit of data that cannot be separated: a ray with an offset (Ji and Telgarsky, *The implicit bias of gradient
//! descent on nonseparable data*, COLT 2019).
//!
//! Rows Φ_r. Let S be the largest set of rows that a vanishing combination can hold, `S = {r : λ_r > 0 for some λ ≥ 0 with
//! Σ λ_r Φ_r = 0}`, and C the others. Then with L = span(Φ_S)
//!
//! ```text
//! offset:     W's part in L tends to the one minimizer V∞ of  c Σ_S ℓ(q_i),   the loss to its value, the floor L∞
//! direction:  W/‖W‖ tends to the direction of maximal margin of the projected rows Φ_r − Π_L Φ_r, r in C;
//!             α c t s_i → λ_i, its dual, on C (a loss with the tail e^{−q}, s = −ℓ').  If C is empty, W tends to V∞.
//! ```
//!
//! **S.** Rows that cancel span all of their span with positive weights: a row within it is in S as well, and so is
//! every set of rows that cancels up to it. So: find rows that cancel, project the others onto the complement of their span,
//! drop those that vanish, repeat until a W separates what is left (`face.rs`); it has margin 0 on S and proves that S is the largest.
//! Everything is in coordinates of 106 bits: the projection is that of the rows themselves, no Schur complement of a Gram matrix,
//! which would square the condition. Samples are known to f64: rows that cancel up to their rounding count as rows that cancel, and
//! a row as far from L as rounding counts as within it.
//!
//! **Slopes that are free.** Where opposite-sign pairs may slide, `q_i` is the least of a sample's rows. A sample with a row
//! in S is bounded. Its other rows need only `⟨Φ_r, U⟩ ≥ 0` along the ray U, those of the others 1. Rows are generated as in
//! `search`: for W = V∞ + τU, τ large, the sides are those of U and, on its kinks, those of V∞.

#[cfg(test)]
mod campaign;
mod face;
mod view;

use super::decide::{AFFORDABLE, affordable, scales};
use super::floor::{self, Floor};
use super::precise::coordinates::Coordinates;
use super::precise::double::{Double, UNIT};
use super::precise::features::Features;
use super::precise::hull;
use super::precise::vector::Vector;
use super::rows::{Row, Rows};
use super::sliding::{effective_slopes, least_slopes, per_neuron};
use crate::matrix::View;
use crate::network::{Network, Pattern};
use face::{Face, JUDGEMENT, unit, work};
use farfield_kernels::loss::Loss;
use serde::{Deserialize, Serialize};

pub use view::price;

/// Rounds of row generation.
const ROUNDS: usize = 30;

/// A margin that falls short by more than this, relative to its terms, asks for another row.
const SHORTFALL: f64 = 1e-10;

/// Multiply-adds of f64 in the time of one of 106 bits.
const PLAIN: f64 = 10.0;

/// Where gradient descent on data that cannot be separated goes, for given sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ray {
    /// `Σ_{i in S} ℓ(q_i)` at V∞: the least value of the sum of losses; c times this is the floor of the loss.
    pub floor: f64,
    /// The floor is not lower than `floor` by more than this.
    pub floor_gap: f64,
    /// The bounded samples, S, in order.
    pub bounded: Vec<usize>,
    /// Margins q_i of the bounded samples at V∞, in their order.
    pub margins: Vec<f64>,
    /// λ (n): the dual of the projected problem, 0 on S; all 0 if every sample is bounded.
    pub lambda: Vec<f64>,
    /// The maximal margin of the projected rows; none if every sample is bounded.
    pub max_margin: Option<f64>,
    /// Bounds of it, in 106 bits.
    pub margin_interval: Option<(f64, f64)>,
    /// The number of samples with λ > 0.
    pub support: usize,
    /// U (n×m): coefficients u_ij with `U_j = Σ_i u_ij x_i` for every neuron j, `⟨Φ_i, U⟩ ≥ 1` on C; no rows if C is empty.
    pub direction: Vec<Vec<f64>>,
    /// V∞ in the same way.
    pub offset: Vec<Vec<f64>>,
    /// The effective slopes θ_ij (n×m), those of the pattern or, where pairs slide, averages between γ and 1.
    pub slopes: Vec<Vec<f64>>,
}

/// Why there is no ray.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRay {
    /// A W has positive margins on all samples.
    Separable,
    /// The problem is too large for arithmetic of 106 bits.
    TooLarge,
    /// A search did not come to its end.
    Unresolved,
}

impl Ray {
    /// The ray in a fixed pattern (n×m), for X (n×d) and n labels ±1 and a loss.
    ///
    /// # Errors
    /// [`NoRay`].
    pub fn of_pattern<'x>(
        x: impl Into<View<'x>>,
        y: &[f64],
        network: &Network,
        pattern: &Pattern,
        loss: Loss,
    ) -> Result<Self, NoRay> {
        let mut rows = Rows::fixed(y, network, pattern.groups(network), |i, j| pattern.slope(network, i, j));
        solve(x.into(), &mut rows, loss)
    }

    /// The ray with the own-sign pairs on the sides that `sides` (n×m) shows, the others free to slide.
    ///
    /// # Errors
    /// As [`Ray::of_pattern`].
    pub fn with_sides<'x>(
        x: impl Into<View<'x>>,
        y: &[f64],
        network: &Network,
        sides: &Pattern,
        loss: Loss,
    ) -> Result<Self, NoRay> {
        solve(x.into(), &mut least_slopes(y, network, sides), loss)
    }
}

fn solve(x: View, rows: &mut Rows, loss: Loss) -> Result<Ray, NoRay> {
    let features = Features::new(x, rows);
    if !affordable(&features, rows) || x.not_finite().is_some() {
        return Err(NoRay::TooLarge);
    }
    let coordinates = Coordinates::new(&features);
    let mut spent = 0.0;
    for _ in 0..ROUNDS {
        let scales: Vec<f64> = scales(&rows.lengths(&features.norms));
        let columns: Vec<Vector> =
            rows.list.iter().zip(&scales).map(|(r, s)| coordinates.row(&features, r, *s)).collect();
        let face = Face::new(&columns, JUDGEMENT);
        let part = Part { rows, scales: &scales, columns: &columns, face: &face };
        let (floor, samples) = part.floor(loss).ok_or(NoRay::Unresolved)?;
        let ahead = part.ahead();
        spent += face.work + floor.work / PLAIN + ahead.as_ref().map_or(0.0, |a| a.work);
        let new = part.missing(&features, &coordinates, &floor, ahead.as_ref());
        if new.is_empty() {
            if samples.is_empty() {
                return Err(NoRay::Separable);
            }
            return Ok(part.ray(&floor, &samples, ahead.as_ref()));
        }
        if spent > AFFORDABLE {
            return Err(NoRay::TooLarge);
        }
        rows.list.extend(new);
    }
    Err(NoRay::Unresolved)
}

/// The projected problem's solution.
struct Ahead {
    weights: Vec<Double>, // of all rows
    u: Vector,
    interval: (Double, Double),
    work: f64, // multiply-adds of 106 bits
}

/// Rows with their coordinates and S.
struct Part<'a> {
    rows: &'a Rows,
    scales: &'a [f64],
    columns: &'a [Vector],
    face: &'a Face,
}

impl Part<'_> {
    /// V∞ (coordinates in Q) and the bounded samples.
    fn floor(&self, loss: Loss) -> Option<(Floor, Vec<usize>)> {
        let members = self.members();
        let mut samples: Vec<usize> = members.iter().map(|&r| self.rows.list[r].sample).collect();
        samples.sort_unstable();
        samples.dedup();
        let place = |r: usize| samples.binary_search(&self.rows.list[r].sample).expect("its sample is bounded");
        let size = self.face.factor.len();
        if size == 0 {
            // zero rows alone
            let (value, weights) = (samples.len() as f64 * loss.value(0.0), vec![loss.weight(0.0); members.len()]);
            return Some((Floor { v: Vec::new(), value, gap: 0.0, weights, work: 0.0 }, samples));
        }
        let a = faer::Mat::from_fn(members.len(), size, |r, c| {
            let r = members[r];
            self.face.factor.direction(c).dot(&self.columns[r]).value() / self.scales[r]
        });
        let of: Vec<usize> = members.iter().map(|&r| place(r)).collect();
        Some((floor::floor(&a, &of, loss)?, samples))
    }

    fn members(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|&r| self.face.within[r]).collect()
    }

    fn bounded(&self, i: usize) -> bool {
        (0..self.rows.len()).any(|r| self.face.within[r] && self.rows.list[r].sample == i)
    }

    /// The max-margin problem of the projected rows; none if every sample is bounded.
    fn ahead(&self) -> Option<Ahead> {
        let left: Vec<usize> = (0..self.rows.len()).filter(|&r| !self.face.within[r]).collect();
        // projected rows may be short: they too are brought to lengths from 1 to 2
        let units: Vec<(Vector, f64)> = left.iter().map(|&r| unit(&self.face.rejected[r])).collect();
        let scales: Vec<f64> = left.iter().zip(&units).map(|(&r, u)| self.scales[r] * u.1).collect();
        let target = |(&r, s): (&usize, &f64)| if self.bounded(self.rows.list[r].sample) { 0.0 } else { *s };
        let asked: Vec<f64> = left.iter().zip(&scales).map(target).collect();
        let top = asked.iter().copied().fold(0.0, f64::max);
        if top == 0.0 {
            return None;
        }
        let b: Vec<f64> = asked.iter().map(|b| b / top).collect();
        let columns: Vec<Vector> = units.into_iter().map(|u| u.0).collect();
        let nearest = hull::nearest(&columns, &b, &[], hull::ZERO);
        let found = hull::polish(&columns, &b, &nearest);
        let mut weights = vec![Double::ZERO; self.rows.len()];
        let mut sum = Vector::zeros(found.w.len());
        let (mut total, mut low) = (Double::ZERO, Double::from(f64::INFINITY));
        for (k, &r) in left.iter().enumerate() {
            weights[r] = found.weights[k].scaled(scales[k] * top);
            sum.add_scaled(found.weights[k], &columns[k]);
            if b[k] > 0.0 {
                total += found.weights[k] * Double::from(b[k]);
                let margin = columns[k].dot(&found.w) / Double::from(asked[k]);
                low = if margin < low { margin } else { low };
            }
        }
        let mut u = found.w;
        let (length, high) = (u.dot(&u).sqrt(), sum.dot(&sum).sqrt() / total.scaled(top));
        u.scale(Double::from(top));
        let error = 64.0 * UNIT;
        let interval = (low / length * Double::sum(1.0, -error), high * Double::sum(1.0, error));
        Some(Ahead { weights, u, interval, work: work(&columns, nearest.pivots + found.pivots) })
    }

    /// V∞ in the coordinates of the rows.
    fn offset(&self, floor: &Floor) -> Vector {
        let mut v = Vector::zeros(self.columns.first().map_or(0, Vector::len));
        floor.v.iter().enumerate().for_each(|(k, c)| v.add_scaled(Double::from(*c), self.face.factor.direction(k)));
        v
    }

    /// Rows that W = V∞ + τU uses and that fall short.
    fn missing(
        &self,
        features: &Features,
        coordinates: &Coordinates,
        floor: &Floor,
        ahead: Option<&Ahead>,
    ) -> Vec<Row> {
        if !self.rows.sliding {
            return Vec::new();
        }
        let v = self.offset(floor);
        let zero = Vector::zeros(v.len());
        let u = ahead.map_or(&zero, |a| &a.u);
        let (images_v, images_u) = (features.images(&coordinates.back(&v)), features.images(&coordinates.back(u)));
        let (length_v, length_u) = (v.dot(&v).sqrt().hi, u.dot(u).sqrt().hi);
        let known = |row: &Row| self.rows.list.iter().any(|r| r == row);
        let worse = |i: usize| {
            let norm = features.norms[i];
            let positive = |p: usize| match images_u[i][p].hi {
                z if z.abs() > SHORTFALL * norm * length_u => z > 0.0,
                _ => images_v[i][p].hi > 0.0,
            };
            let row = self.rows.least(i, positive);
            let ahead = features.margin(&row, &images_u[i]).hi;
            let aside = features.margin(&row, &images_v[i]).hi;
            let size = norm * self.rows.stretch(&row);
            let bounded = self.bounded(i);
            let asked = if bounded { 0.0 } else { 1.0 };
            let short = ahead < asked - SHORTFALL * (asked + size * length_u);
            let present = (0..self.rows.len()).filter(|&r| self.face.within[r] && self.rows.list[r].sample == i);
            let least =
                present.map(|r| features.margin(&self.rows.list[r], &images_v[i]).hi).fold(f64::INFINITY, f64::min);
            let lower =
                bounded && ahead <= SHORTFALL * size * length_u && aside < least - SHORTFALL * (1.0 + size * length_v);
            ((short || lower) && !known(&row)).then_some(row)
        };
        (0..self.rows.y.len()).filter_map(worse).collect()
    }

    /// Coefficients of the samples (n×m) from coefficients of the rows.
    fn of_samples(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let direction = self.rows.direction(&self.rows.by_group(weights));
        (0..self.rows.y.len()).map(|i| direction.groups.of.iter().map(|p| direction.columns[*p][i]).collect()).collect()
    }

    /// `weights` of rows, and those of the basis of S with which they sum up to `target`.
    fn within_basis(&self, weights: &mut [f64], target: &Vector) {
        let c = self.face.factor.solve(self.face.factor.project(target));
        self.face.basis.iter().zip(c).for_each(|(&r, c)| weights[r] += (c.scaled(self.scales[r])).value());
    }

    fn ray(&self, floor: &Floor, samples: &[usize], ahead: Option<&Ahead>) -> Ray {
        let rows = self.rows;
        let members = self.members();
        let mut offset = vec![0.0; rows.len()];
        let v = self.offset(floor);
        self.within_basis(&mut offset, &v);
        let margin = |&i: &usize| {
            let own = members.iter().filter(|&&r| rows.list[r].sample == i);
            own.map(|&r| self.columns[r].dot(&v).value() / self.scales[r]).fold(f64::INFINITY, f64::min)
        };
        let mut shares = vec![0.0; rows.len()];
        members.iter().zip(&floor.weights).for_each(|(&r, p)| shares[r] = *p);
        let mut lambda = vec![0.0; rows.y.len()];
        let mut direction = Vec::new();
        if let Some(a) = ahead {
            let mut weights: Vec<f64> = a.weights.iter().map(|l| l.value()).collect();
            let asked = weights.iter().enumerate().filter(|(r, _)| !self.bounded(rows.list[*r].sample));
            asked.for_each(|(r, l)| {
                lambda[rows.list[r].sample] += l;
                shares[r] = *l;
            });
            // U is the sum of the projected rows: less the part of the rows in L
            let mut part = Vector::zeros(v.len());
            for (r, l) in a.weights.iter().enumerate().filter(|(_, l)| l.hi != 0.0) {
                part.add_scaled(-(l.scaled(1.0 / self.scales[r])), &self.columns[r]);
            }
            self.within_basis(&mut weights, &part);
            direction = self.of_samples(&weights);
        }
        let slopes = per_neuron(&rows.groups, &effective_slopes(rows, &shares));
        Ray {
            floor: floor.value,
            floor_gap: floor.gap,
            bounded: samples.to_vec(),
            margins: samples.iter().map(margin).collect(),
            support: lambda.iter().filter(|l| **l > 0.0).count(),
            lambda,
            max_margin: ahead.map(|a| (a.interval.0 + a.interval.1).scaled(0.5).value()),
            margin_interval: ahead.map(|a| (a.interval.0.below(), a.interval.1.above())),
            direction,
            offset: self.of_samples(&offset),
            slopes: (0..slopes.rows()).map(|i| slopes.row(i).to_vec()).collect(),
        }
    }
}
