//! Where a settled pattern has been: its margins at some of the steps, for a method that looks back.
//!
//! ```text
//! t₀, t₀ + s, t₀ + 2s, …      s = 1 at first; when there are 24 of them every second one goes, and s doubles
//! ```

use super::compensated::Compensated;
use crate::state::{Reader, Result, Saver};

/// Most nodes that are kept.
const MOST: usize = 24;

/// Margins at equally distant steps of one stretch.
#[derive(Clone, Debug)]
pub struct Trail {
    stride: f64,
    next: f64,
    nodes: Vec<(f64, Compensated)>, // the oldest first
}

impl Trail {
    /// A trail that begins at step t.
    pub fn from(t: f64) -> Self {
        Self { stride: 1.0, next: t, nodes: Vec::new() }
    }

    /// A trail on which nothing is noted.
    pub fn none() -> Self {
        Self::from(f64::INFINITY)
    }

    /// Notes the margins of step t, if it is one of the steps to be noted.
    pub fn pass(&mut self, t: f64, q: &Compensated) {
        if t < self.next {
            return;
        }
        if self.nodes.len() == MOST {
            let mut even = false;
            self.nodes.retain(|_| {
                even = !even;
                even
            });
            self.stride *= 2.0;
        }
        self.nodes.push((t, q.clone()));
        self.next = t + self.stride;
    }

    /// The nodes, the oldest first.
    pub fn nodes(&self) -> &[(f64, Compensated)] {
        &self.nodes
    }

    /// Writes it.
    pub fn save(&self, out: &mut Saver) {
        out.vector("next", [self.stride, self.next]);
        out.vector("t", self.nodes.iter().map(|(t, _)| *t).collect::<Vec<f64>>());
        Compensated::joined(self.nodes.iter().map(|(_, q)| q)).save(out, "margins");
    }

    /// Reads what [`Self::save`] wrote, for n samples.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader, n: usize) -> Result<Self> {
        let [stride, next] = from.numbers("next")?;
        let times = from.any("t")?;
        let all = Compensated::restore(from, "margins", times.len() * n)?;
        if let Some(pair) = times.windows(2).find(|pair| pair[1] <= pair[0] || pair[1].is_nan()) {
            return Err(from.wrong("t", pair[1]));
        }
        if times.len() > MOST || stride.is_nan() || stride < 1.0 || next.is_nan() {
            return Err(from.wrong("next", next));
        }
        let margins = |k: usize| {
            let part = k * n..(k + 1) * n;
            Compensated::from_parts(all.hi()[part.clone()].to_vec(), all.lo()[part].to_vec())
        };
        Ok(Self { stride, next, nodes: times.iter().enumerate().map(|(k, t)| (*t, margins(k))).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equally_distant_however_long() {
        let (mut trail, q) = (Trail::from(9.0), Compensated::zeros(2));
        for t in 9..5000 {
            trail.pass(f64::from(t), &q);
            let times: Vec<f64> = trail.nodes().iter().map(|(t, _)| *t).collect();
            let stride = trail.stride;
            assert!(times.iter().enumerate().all(|(k, t)| *t == 9.0 + stride * k as f64), "{times:?}");
            assert!(times.len() <= MOST && (times.len() >= MOST / 2 || stride == 1.0));
            assert!(f64::from(t) - times[times.len() - 1] < stride);
        }
    }
}
