//! What is watched: losses, margins, norms, the pattern, and the distances to the limit.
//!
//! At a monitored t the monitor sees Z and a few products with the data (see [`Iterate`] and
//! [`InnerProducts`]) and derives a [`Row`]. The limit is that of the pattern at this t, solved again only
//! when the pattern has changed, and only where it can be an answer: all margins positive, and
//! consistent. While neurons chatter no pattern stays; then it is the limit with sliding pairs for the
//! present sides of the own-sign pairs ([`crate::limit::sliding`]). Where margins are not positive and the pattern stays, it is the
//! ray of data that cannot be separated ([`crate::limit::ray`]). Gaps are computed from difference vectors, `1 − cos(u,v) = ½‖u/‖u‖ − v/‖v‖‖²`, never
//! as one minus a cosine.

mod limits;
mod measures;
mod memory;
mod rays;
mod row;

use crate::certificate::permanence::{Present, Pulls};
use crate::certificate::{self, Gradient};
use crate::data::HeldOut;
use crate::engine::{Engine, Iterate};
use crate::inner_products::{Direction, Gram, Imaged, InnerProducts};
use crate::limit::held_out::Errors;
use crate::limit::sliding::Sliding;
use crate::limit::{Inseparable, Prediction, along};
use crate::measure::{Fresh, Measure};
use crate::network::{Groups, Pattern};
use crate::number::smaller;
use crate::problem::Problem;
use crate::slopes::Slopes;
pub use memory::Memory;
use memory::Solved;
use rays::Rays;
pub use row::{CertifiedFor, PatternState, Row};
use std::sync::{Arc, OnceLock};

/// Steps without a change of the pattern, as a multiple of t, after which it counts as observed to be
/// final: the last tenth of log-time is not enough, nine tenths of all steps are.
const QUIET: f64 = 0.9;
/// A pattern is not called observed before this t: nothing has been observed yet.
const YOUNG: f64 = 10.0;
/// Steps since the last change of the pattern, as a multiple of t, up to which neurons are said to chatter,
/// and the t from which it is asked.
const RECENT: f64 = 0.5;
/// See [`RECENT`].
const CHATTER: f64 = 1024.0;

/// Watches one run.
pub struct Monitor {
    problem: Problem,
    products: Arc<dyn InnerProducts + Send>,
    positive_correlation: bool,
    solved: Option<Solved<Prediction>>,
    slid: Option<Solved<Prediction<Sliding>>>, // for the own-sign sides, opposite bits 0
    chattering: bool,
    ties: (u64, f64),           // the most that were seen, and when
    proof: Option<Inseparable>, // the last one that was asked for
    rays: Rays,
    measures: Vec<Measure>,
    test_error: Option<Fresh>,
    pull: OnceLock<f64>,               // ‖Σ_i y_i x_i‖
    pulls: Option<(Pattern, Pulls)>,   // of the last pattern whose permanence was asked for
    slopes: Option<(Pattern, Slopes)>, // of the last pattern that was seen
}

impl Monitor {
    /// A monitor for one problem.
    pub fn new(problem: &Problem) -> Self {
        let data = &problem.data;
        let correlated = |k: &Arc<Gram>| positively_correlated(k, data.norms(), data.y(), data.d());
        Self {
            problem: problem.clone(),
            products: data.inner_products(),
            positive_correlation: data.gram().is_some_and(correlated),
            solved: None,
            slid: None,
            chattering: false,
            ties: (0, 0.0),
            proof: None,
            rays: Rays::default(),
            measures: Vec::new(),
            test_error: None,
            pull: OnceLock::new(),
            pulls: None,
            slopes: None,
        }
    }

    /// The same, which also measures these, in their order, and the test error of W; nothing else of what it sees depends on
    /// that.
    pub fn measuring(mut self, measures: &[Measure], test_error: Option<Fresh>) -> Self {
        self.test_error = test_error;
        self.measures = Measure::ALL.into_iter().filter(|measure| measures.contains(measure)).collect();
        self
    }

    /// The problem that is watched.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Looks at the state of an engine.
    pub fn observe(&mut self, engine: &mut dyn Engine) -> Row {
        let (t, flips, segment) = (engine.t(), engine.flips(), engine.kind());
        let precision = engine.segments().last().map(|last| last.precision).unwrap_or_default();
        let scaled = engine.scaled_losses();
        let worth = t * engine.work().price;
        let view = engine.iterate();
        let z = view.preactivations();
        let q = self.problem.network.margins(z, self.problem.data.y());
        let mut row = Row {
            t,
            // A margin that is not a number is the least one.
            min_margin: q.iter().copied().fold(f64::INFINITY, smaller),
            weight_norm: view.weight_norm(),
            sign_agreement: Pattern::sign_agreement(z, self.problem.data.y(), &self.problem.network),
            flips,
            segment,
            precision,
            ..Row::default()
        };
        row.finite = q.iter().all(|q| q.is_finite()) && row.weight_norm.is_finite();
        if !row.finite {
            (row.log_loss, row.gradient_norm, row.motion) = (f64::NAN, f64::NAN, f64::NAN);
            row.rounding = engine.rounding();
            return row;
        }
        let errors =
            |held: &HeldOut| Errors::new(held.errors(&view.elsewhere(held), &self.problem.network), held.samples());
        row.held_out = self.problem.data.held_out().map(errors);
        let pattern = self.problem.network.pattern(z, self.problem.data.n());
        let averaged = view.slopes().map(|values| Slopes::averaged(values, &self.problem.network));
        let (averages, chatters) = (averaged.is_some(), self.chatter(view, &row));
        self.rays.pass();
        let slopes = averaged.unwrap_or_else(|| self.slopes_of(&pattern));
        let data = certificate::Data::of(&self.problem, &*self.products);
        row.ties = data.ties(view);
        if row.ties > self.ties.0 {
            self.ties = (row.ties, t);
        }
        let loss = self.problem.loss;
        let gradient = Gradient::new(&data, loss, &q, &slopes);
        let constant = libm::log(self.problem.loss_constant);
        row.log_loss = constant + loss.log_sum(&q);
        row.gradient_norm = gradient.norm * libm::exp(constant + gradient.log_sum);
        row.motion = gradient.motion;
        let scaled = scaled.unwrap_or_else(|| self.scaled_losses(t, &q));
        if row.min_margin > 0.0 {
            let certified = certificate::cosine_gap(&data, view, &q, &slopes, &gradient);
            row.certified_cosine_gap = certified.map(|c| c.gap);
            row.certificate_rounding = certified.map(|c| c.rounding);
            self.solve(&pattern, &scaled);
            self.solve_sliding(&pattern, &scaled, chatters);
            self.compare(&mut row, view, &scaled, &gradient);
            row.final_until = self.final_until(&row, view, (&q, &pattern), &slopes, &gradient);
            row.certified_for = row.certified_cosine_gap.map(|_| self.certified_for(&row));
        } else {
            let at = rays::At { view, pattern: &pattern, scaled: &scaled, gradient: &gradient, chatters };
            self.follow_ray(&mut row, &at, worth);
        }
        let test_error = |fresh: &Fresh| along::test_error(&view.weights(), &self.problem, fresh);
        row.test_error = self.test_error.as_ref().and_then(test_error);
        if !self.measures.is_empty() {
            let at = measures::At { view, q: &q, slopes: &slopes, scaled: &scaled };
            row.measures = self.measure(&row, &at);
        }
        row.rounding = engine.rounding();
        self.slopes = (!averages).then_some((pattern, slopes));
        row
    }

    /// The slopes of a pattern, which are those of the last look if it is the same.
    fn slopes_of(&mut self, pattern: &Pattern) -> Slopes {
        match self.slopes.take() {
            Some((of, slopes)) if of == *pattern => slopes,
            _ => Slopes::of_pattern(pattern, &self.problem.network),
        }
    }

    /// Whether neurons chatter: they are averaged, or the pattern has changed lately.
    fn chatter(&self, view: &dyn Iterate, row: &Row) -> bool {
        view.slopes().is_some() || (row.t >= CHATTER && row.flips.last >= (1.0 - RECENT) * row.t)
    }

    /// `α c t s(q_i)`, which tends to λ_i (over κ).
    pub fn scaled_losses(&self, t: f64, q: &[f64]) -> Vec<f64> {
        let log = libm::log(self.problem.step_size) + libm::log(self.problem.loss_constant) + libm::log(t);
        q.iter().map(|q| libm::exp(self.problem.loss.log_weight((log, 0.0), (*q, 0.0)))).collect()
    }

    /// Margins of a state.
    pub fn margins(&self, view: &dyn Iterate) -> Vec<f64> {
        self.problem.network.margins(view.preactivations(), self.problem.data.y())
    }

    /// The most pairs that were seen on their kink up to rounding ([`Row::ties`]), and the first t that showed as many.
    pub fn ties(&self) -> (u64, f64) {
        self.ties
    }

    /// The pattern of a state, as [`Network::pattern`](crate::Network::pattern).
    pub fn pattern(&self, view: &dyn Iterate) -> Pattern {
        self.problem.network.pattern(view.preactivations(), self.problem.data.n())
    }

    /// Whether no pattern can follow: none is another one for the linear model; else by positive correlation.
    fn proved(&self, row: &Row) -> bool {
        self.problem.network.linear() || (self.positive_correlation && row.sign_agreement == 1.0)
    }

    /// Whether the pattern of a row is final, as far as is known.
    pub fn pattern_state(&self, row: &Row) -> PatternState {
        if self.proved(row) {
            PatternState::Proved
        } else if !self.chattering
            && self.limit().is_some()
            && row.t >= YOUNG
            && row.flips.last <= (1.0 - QUIET) * row.t
        {
            PatternState::Observed
        } else if self.sliding().is_some_and(|sliding| !sliding.pairs.is_empty()) {
            PatternState::Sliding
        } else {
            PatternState::Unsettled
        }
    }

    /// See [`Row::final_until`]; none beyond what K is held for, and while neurons chatter.
    fn final_until(
        &mut self,
        row: &Row,
        view: &dyn Iterate,
        (q, pattern): (&[f64], &Pattern),
        slopes: &Slopes,
        g: &Gradient,
    ) -> Option<f64> {
        if self.proved(row) {
            return Some(f64::INFINITY);
        }
        let (problem, gram) = (&self.problem, self.problem.data.gram()?);
        if self.chattering || view.slopes().is_some() {
            return None;
        }
        let known = self.pulls.take().filter(|(of, _)| of == pattern);
        let of_pattern = || (pattern.clone(), Pulls::new(problem, gram, slopes, view.preactivations()));
        let (_, pulls) = self.pulls.insert(known.unwrap_or_else(of_pattern));
        let limit = match self.solved.as_ref().map(|solved| &solved.prediction) {
            Some(Prediction::Limit(limit)) => Some(limit),
            _ => None,
        };
        let present = Present { problem, gram, view, q, slopes, gradient: g, log_loss: row.log_loss, limit, pulls };
        Some(present.final_until(row.t)).filter(|until| *until > row.t)
    }

    fn certified_for(&self, row: &Row) -> CertifiedFor {
        match self.pattern_state(row) {
            PatternState::Proved => CertifiedFor::Proved,
            _ if row.final_until == Some(f64::INFINITY) => CertifiedFor::Final,
            PatternState::Observed | PatternState::Sliding => CertifiedFor::Observed,
            PatternState::Unsettled => CertifiedFor::PresentSides,
        }
    }

    fn compare(&self, row: &mut Row, view: &dyn Iterate, scaled: &[f64], gradient: &Gradient) {
        let Some(limit) = self.limit() else { return };
        self.gaps(row, view, gradient, &limit.imaged(-1.0 / limit.norm));
        row.dual_gap = Some(self.dual_gap(scaled, &limit.lambda, |_| true));
    }

    /// The gaps to a direction of length 1, given with the other sign.
    fn gaps(&self, row: &mut Row, view: &dyn Iterate, gradient: &Gradient, direction: &Imaged) {
        let chord = view.combined_norm(1.0 / row.weight_norm, direction);
        row.cosine_gap = Some(0.5 * chord * chord);
        let difference = sum(&gradient.direction.clone().scaled(1.0 / gradient.norm), direction);
        row.gradient_cosine_gap = Some(0.5 * difference.squared_norm());
    }

    /// `max_i |κ α c t s(q_i) − λ_i| / max λ` over the samples that count.
    fn dual_gap(&self, scaled: &[f64], lambda: &[f64], counts: impl Fn(usize) -> bool) -> f64 {
        let top = lambda.iter().copied().fold(0.0, f64::max);
        let tail = self.problem.loss.tail();
        let distance = (0..lambda.len()).filter(|&i| counts(i)).map(|i| (tail * scaled[i] - lambda[i]).abs());
        distance.fold(0.0, f64::max) / top
    }
}

/// The sum of two directions and of their images, by neurons unless their groups are the same. The image loses, where they nearly cancel,
/// what the rounding of their columns costs as well: some u times the image of either.
fn sum(a: &Imaged, b: &Imaged) -> Imaged {
    let (of_a, of_b) = (&a.direction.groups, &b.direction.groups);
    let same = of_a == of_b;
    let m = of_a.of.len();
    let pairs: Vec<(usize, usize)> = match same {
        true => (0..of_a.len()).map(|g| (g, g)).collect(),
        false => (0..m).map(|j| (of_a.of[j], of_b.of[j])).collect(),
    };
    let added = |a: &[Vec<f64>], b: &[Vec<f64>]| {
        let column = |&(g, h): &(usize, usize)| a[g].iter().zip(&b[h]).map(|(a, b)| a + b).collect();
        pairs.iter().map(column).collect()
    };
    let groups = if same { of_a.clone() } else { Groups::single(m) };
    let columns = added(&a.direction.columns, &b.direction.columns);
    Imaged { direction: Direction { columns, groups }, image: added(&a.image, &b.image) }
}

/// Whether all `⟨y_i x_i, y_k x_k⟩ ≥ 0`, beyond what rounding could hide (`2 d u ‖x_i‖‖x_k‖`).
fn positively_correlated(k: &Gram, norms: &[f64], y: &[f64], d: usize) -> bool {
    let slack = |i: usize, j: usize| d as f64 * f64::EPSILON * norms[i] * norms[j];
    (0..y.len()).all(|i| (0..i).all(|j| y[i] * y[j] * k.0[(i, j)] >= slack(i, j)))
}
