//! The limits that a run is held against: solved for the bits of a look, and remembered while these stay.
//!
//! ```text
//! settled     the limit of the present pattern
//! chattering  the limit with sliding pairs, for the present sides of the own-sign pairs
//! ```

use super::memory::Solved;
use super::{Monitor, Row};
use crate::engine::{Iterate, Remark};
use crate::inner_products::Gram;
use crate::limit::carried::Carried;
use crate::limit::sliding::Sliding;
use crate::limit::{Inseparable, Limit, Prediction};
use crate::network::Pattern;

impl Monitor {
    /// The limit of a pattern, solved now or remembered; none without K.
    pub fn prediction(&mut self, pattern: &Pattern) -> Option<&Prediction> {
        self.solve(pattern, &[]);
        self.solved.as_ref().map(|solved| &solved.prediction)
    }

    /// Refines the limit of the last monitored t against X and proves its bounds, for a result that is published.
    pub(crate) fn verify(&mut self) {
        let data = &self.problem.data;
        let (Some(gram), Some(x)) = (data.gram(), data.samples().view()) else { return };
        match (&mut self.solved, &mut self.slid) {
            (_, Some(Solved { pattern, prediction: Prediction::Limit(sliding), .. })) if self.chattering => {
                sliding.verify(gram, x, pattern);
            }
            (Some(Solved { pattern, prediction: Prediction::Limit(limit), .. }), _) if !self.chattering => {
                limit.verify(gram, x, pattern);
            }
            _ => {}
        }
    }

    /// The consistent limit at the last monitored t: of its pattern, or with sliding pairs.
    pub fn limit(&self) -> Option<&Limit> {
        if self.chattering {
            return self.sliding().map(|sliding| &sliding.limit);
        }
        match self.solved.as_ref().map(|solved| &solved.prediction) {
            Some(Prediction::Limit(limit)) if limit.consistent() => Some(limit),
            _ => None,
        }
    }

    /// The consistent limit with sliding pairs, while neurons chatter.
    pub fn sliding(&self) -> Option<&Sliding> {
        match self.slid.as_ref().map(|slid| &slid.prediction) {
            Some(Prediction::Limit(sliding)) if self.chattering && sliding.consistent() => Some(sliding),
            _ => None,
        }
    }

    /// The rate exponent ν of [`Monitor::limit`].
    pub fn rate_exponent(&self) -> Option<f64> {
        let (limit, gram) = (self.limit()?, self.problem.data.gram()?);
        Some(self.sliding().map_or_else(|| limit.rate_exponent(gram), |sliding| sliding.rate_exponent(gram)))
    }

    /// The proof behind the last answer of [`Monitor::separable`] or [`Monitor::hopeless`] that nothing separates.
    pub fn inseparable(&self) -> Option<&Inseparable> {
        self.proof.as_ref()
    }

    /// The limit for the present sides of the own-sign pairs, consistent or not, while neurons chatter.
    pub fn present_sliding(&self) -> Option<&Sliding> {
        match self.slid.as_ref().map(|slid| &slid.prediction) {
            Some(Prediction::Limit(sliding)) if self.chattering => Some(sliding),
            _ => None,
        }
    }

    /// Why no limit is known while neurons chatter.
    pub fn remark(&self) -> Option<Remark> {
        match self.slid.as_ref().map(|slid| &slid.prediction) {
            Some(prediction) if self.chattering => match prediction {
                Prediction::Limit(sliding) if sliding.consistent() => None,
                Prediction::Limit(sliding) => Some(Remark::OtherSides { pairs: sliding.limit.inconsistent.len() }),
                Prediction::NotSeparable(_) => Some(Remark::SidesNotSeparable),
                Prediction::Undecided(_) => Some(Remark::SidesUndecided),
            },
            _ => None,
        }
    }

    /// Whether the margins are positive, or could become so in the pattern of this state; true without K.
    pub fn separable(&mut self, row: &Row, view: &dyn Iterate) -> bool {
        let pattern = self.pattern(view);
        if row.min_margin > 0.0 {
            return true;
        }
        if let Some(Prediction::NotSeparable(proof)) = self.prediction(&pattern) {
            self.proof = Some(proof.clone());
            return false;
        }
        true
    }

    pub(super) fn solve(&mut self, pattern: &Pattern, warm: &[f64]) {
        let Some(gram) = self.problem.data.gram().cloned() else { return };
        if self.solved.as_ref().is_none_or(|solved| solved.pattern != *pattern) {
            let warm = (warm.len() == self.problem.data.n() && warm.iter().all(|w| w.is_finite())).then_some(warm);
            let prediction = Limit::of_pattern(
                &gram,
                Some(self.problem.data.samples()),
                self.problem.data.y(),
                &self.problem.network,
                pattern,
                warm,
            );
            self.solved = Some(Solved::new(pattern, warm, prediction));
        }
    }

    /// The limit with sliding pairs, where neurons chatter and the pattern of the moment is not that of its
    /// own limit.
    pub(super) fn solve_sliding(&mut self, pattern: &Pattern, warm: &[f64], chatters: bool) {
        self.chattering = false;
        if !chatters || self.limit().is_some() {
            return;
        }
        self.chattering = true;
        let Some(gram) = self.problem.data.gram().cloned() else { return };
        let sides = self.own_sides(pattern);
        let warm = warm.iter().all(|w| w.is_finite()).then_some(warm);
        let carried = self.slid.as_ref().map_or_else(Carried::default, |slid| slid.carried.clone());
        self.slide(&gram, &sides, warm, &carried);
    }

    /// The limit with sliding pairs for these sides, solved now, from the rows that carried another, or remembered.
    pub(super) fn slide(&mut self, gram: &Gram, sides: &Pattern, warm: Option<&[f64]>, from: &Carried) {
        if self.slid.as_ref().is_none_or(|slid| slid.pattern != *sides) {
            let (data, network) = (&self.problem.data, &self.problem.network);
            let prediction = Sliding::begun_from(gram, Some(data.samples()), data.y(), network, sides, warm, from);
            let carried = match &prediction {
                Prediction::Limit(sliding) => sliding.carried(),
                Prediction::NotSeparable(_) | Prediction::Undecided(_) => Carried::default(),
            };
            self.slid = Some(Solved { from: from.clone(), carried, ..Solved::new(sides, warm, prediction) });
        }
    }

    /// The pattern with the bits of opposite-sign pairs at 0.
    pub fn own_sides(&self, pattern: &Pattern) -> Pattern {
        let mut sides = pattern.clone();
        for (i, y) in self.problem.data.y().iter().enumerate() {
            for j in
                (0..self.problem.network.width).filter(|&j| self.problem.network.sign(j) * y < 0.0 && pattern.get(i, j))
            {
                sides.flip(i, j);
            }
        }
        sides
    }

    /// Whether no weights whatever with these sides of the own-sign pairs ([`Monitor::own_sides`]) have only positive
    /// margins; false without K.
    pub fn hopeless(&mut self, sides: &Pattern) -> bool {
        let Some(gram) = self.problem.data.gram().cloned() else { return false };
        self.slide(&gram, sides, None, &Carried::default());
        if let Some(Prediction::NotSeparable(proof)) = self.slid.as_ref().map(|slid| &slid.prediction) {
            self.proof = Some(proof.clone());
            return true;
        }
        false
    }
}
