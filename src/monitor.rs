//! What is watched: losses, margins, norms, the pattern, and the distances to the limit.
//!
//! At a monitored t the monitor sees Z and a few products with the data (see [`View`] and
//! [`Geometry`]) and derives a [`Row`]. The limit is that of the pattern at this t, solved again only
//! when the pattern has changed, and only where it can be an answer: all margins positive, and
//! consistent. While neurons chatter no pattern stays; then it is the limit with sliding pairs for the
//! present sides of the own-sign pairs ([`crate::limit::sliding`]). Gaps are computed from difference vectors, `1 − cos(u,v) = ½‖u/‖u‖ − v/‖v‖‖²`, never
//! as one minus a cosine.

use crate::certificate::{self, Gradient};
use crate::descent::rounding::Rounding;
use crate::descent::{Engine, Flips, Precision, View};
use crate::geometry::{Geometry, Gram, Span};
use crate::limit::sliding::Sliding;
use crate::limit::{Inseparable, Limit, Prediction};
use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};
use crate::slopes::Slopes;
use std::sync::Arc;

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

/// One line of the trace.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Steps taken.
    pub t: f64,
    /// `log L = log(c Σ exp(-q_i))`.
    pub log_loss: f64,
    /// `min_i q_i`.
    pub min_margin: f64,
    /// `‖W‖_F`.
    pub weight_norm: f64,
    /// `‖∇L‖_F`.
    pub gradient_norm: f64,
    /// `1 − cos(W, Ŵ)`.
    pub cosine_gap: Option<f64>,
    /// A proved upper bound of the same, found without the limit.
    pub certified_cosine_gap: Option<f64>,
    /// `1 − cos(−∇L, Ŵ)`.
    pub gradient_cosine_gap: Option<f64>,
    /// `max_i |α c t ℓ_i − λ_i| / max λ`.
    pub dual_gap: Option<f64>,
    /// Fraction of pairs with `a_j y_i z_ij > 0`.
    pub sign_agreement: f64,
    /// Changes of single bits of the pattern since t = 0.
    pub flips: Flips,
    /// The engine that produced the state.
    pub segment: &'static str,
    /// Precision of the products of the steps that led here.
    pub precision: Precision,
    /// Whether every number of the state is finite.
    pub finite: bool,
    /// The part of the certified gap that makes up for the rounding of the certificate itself.
    pub certificate_rounding: Option<f64>,
    /// Rounding of the steps, where they are not all in f64.
    pub rounding: Option<Rounding>,
}

impl Row {
    /// The certified angle (radians).
    pub fn certified_angle(&self) -> Option<f64> {
        self.certified_cosine_gap.map(|gap| 2.0 * libm::asin((0.5 * gap).sqrt().min(1.0)))
    }
}

/// What is known about whether the pattern is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternState {
    /// Activated, and the data are positively correlated: every `a_j y_i z_ij` grows for ever.
    Proved,
    /// No change during most of the run, and the limit of this pattern is consistent with it.
    Observed,
    /// Neurons chatter, and the limit with sliding pairs has the present own-sign sides.
    Sliding,
    /// Otherwise.
    Unsettled,
}

/// Watches one run.
pub struct Monitor {
    geometry: Arc<dyn Geometry + Send>,
    gram: Option<Arc<Gram>>,
    x: Option<Arc<Matrix>>,
    norms: Vec<f64>,
    d: usize,
    y: Vec<f64>,
    network: Network,
    step_size: f64,
    loss_constant: f64,
    positive_correlation: bool,
    solved: Option<(Pattern, Prediction)>,
    slid: Option<(Pattern, Prediction<Sliding>)>, // for the own-sign sides, opposite bits 0
    chattering: bool,
    proof: Option<Inseparable>, // the last one that was asked for
}

/// What a monitor must know of the problem.
pub struct Setting {
    /// Inner products of the samples.
    pub geometry: Arc<dyn Geometry + Send>,
    /// `K = XXᵀ` where it is held; without it no limit is solved.
    pub gram: Option<Arc<Gram>>,
    /// The samples (n×d), which decide where the rounding of K hides whether they can be separated.
    pub x: Option<Arc<Matrix>>,
    /// `‖x_i‖`.
    pub norms: Vec<f64>,
    /// Number of features.
    pub d: usize,
    /// Labels ±1.
    pub y: Vec<f64>,
    /// The network.
    pub network: Network,
    /// Step size α.
    pub step_size: f64,
    /// Loss constant c.
    pub loss_constant: f64,
}

impl Monitor {
    /// A monitor for one problem.
    pub fn new(setting: Setting) -> Self {
        let Setting { geometry, gram, x, norms, d, y, network, step_size, loss_constant } = setting;
        let positive_correlation = gram.as_ref().is_some_and(|k| positively_correlated(k, &norms, &y, d));
        Self {
            geometry,
            gram,
            x,
            norms,
            d,
            y,
            network,
            step_size,
            loss_constant,
            positive_correlation,
            solved: None,
            slid: None,
            chattering: false,
            proof: None,
        }
    }

    /// Looks at the state of an engine.
    pub fn observe(&mut self, engine: &mut dyn Engine) -> Row {
        let (t, flips, segment) = (engine.t(), engine.flips(), engine.name());
        let precision = engine.segments().last().map(|last| last.precision).unwrap_or_default();
        let scaled = engine.scaled_losses();
        let view = engine.view();
        let z = view.preactivations();
        let q = self.network.margins(z, &self.y);
        let mut row = Row {
            t,
            // A margin that is not a number is the least one.
            min_margin: q.iter().copied().fold(f64::INFINITY, |m, q| if q >= m { m } else { q }),
            weight_norm: view.weight_norm(),
            sign_agreement: Pattern::sign_agreement(z, &self.y, &self.network),
            flips,
            segment,
            precision,
            ..Row::default()
        };
        row.finite = q.iter().all(|q| q.is_finite()) && row.weight_norm.is_finite();
        if !row.finite {
            (row.log_loss, row.gradient_norm) = (f64::NAN, f64::NAN);
            row.rounding = engine.rounding();
            return row;
        }
        let pattern = Pattern::of(z, self.y.len(), self.network.width);
        let data = certificate::Data {
            geometry: &*self.geometry,
            norms: &self.norms,
            d: self.d,
            y: &self.y,
            network: &self.network,
        };
        let averaged = view.slopes().map(|values| Slopes::averaged(values, &self.network));
        let chatters = averaged.is_some() || (t >= CHATTER && flips.last >= (1.0 - RECENT) * t);
        let slopes = averaged.unwrap_or_else(|| Slopes::of_pattern(&pattern, &self.network));
        let gradient = Gradient::new(&data, &q, &slopes);
        row.log_loss = libm::log(self.loss_constant) + gradient.log_sum;
        row.gradient_norm = gradient.norm * libm::exp(row.log_loss);
        if row.min_margin > 0.0 {
            let certified = certificate::cosine_gap(&data, view, &q, &slopes, &gradient);
            row.certified_cosine_gap = certified.map(|c| c.gap);
            row.certificate_rounding = certified.map(|c| c.rounding);
            let scaled = scaled.unwrap_or_else(|| self.scaled_losses(t, &q));
            self.solve(&pattern, &scaled);
            self.solve_sliding(&pattern, &scaled, chatters);
            self.compare(&mut row, view, &scaled, &gradient);
        }
        row.rounding = engine.rounding();
        row
    }

    /// `α c t ℓ_i`, which tends to λ_i.
    pub fn scaled_losses(&self, t: f64, q: &[f64]) -> Vec<f64> {
        let log = libm::log(self.step_size) + libm::log(self.loss_constant) + libm::log(t);
        q.iter().map(|q| libm::exp(log - q)).collect()
    }

    /// Margins of a state.
    pub fn margins(&self, view: &dyn View) -> Vec<f64> {
        self.network.margins(view.preactivations(), &self.y)
    }

    /// The limit of a pattern, solved now or remembered; none without K.
    pub fn prediction(&mut self, pattern: &Pattern) -> Option<&Prediction> {
        self.solve(pattern, &[]);
        self.solved.as_ref().map(|(_, prediction)| prediction)
    }

    /// The consistent limit at the last monitored t: of its pattern, or with sliding pairs.
    pub fn limit(&self) -> Option<&Limit> {
        if self.chattering {
            return self.sliding().map(|sliding| &sliding.limit);
        }
        match &self.solved {
            Some((_, Prediction::Limit(limit))) if limit.consistent() => Some(limit),
            _ => None,
        }
    }

    /// Refines and bounds the limit of the last monitored t from the samples, to be published ([`Limit::verify`]).
    pub fn verify(&mut self) {
        let (Some(gram), Some(x)) = (&self.gram, &self.x) else { return };
        match (&mut self.solved, &mut self.slid) {
            (_, Some((sides, Prediction::Limit(sliding)))) if self.chattering => sliding.verify(gram, x, sides),
            (Some((pattern, Prediction::Limit(limit))), _) if !self.chattering && limit.consistent() => {
                limit.verify(gram, x, pattern);
            }
            _ => {}
        }
    }

    /// The consistent limit with sliding pairs, while neurons chatter.
    pub fn sliding(&self) -> Option<&Sliding> {
        match &self.slid {
            Some((_, Prediction::Limit(sliding))) if self.chattering && sliding.consistent() => Some(sliding),
            _ => None,
        }
    }

    /// The proof behind the last answer of [`Monitor::separable`] or [`Monitor::hopeless`] that nothing separates.
    pub fn inseparable(&self) -> Option<&Inseparable> {
        self.proof.as_ref()
    }

    /// The limit for the present sides of the own-sign pairs, consistent or not, while neurons chatter.
    pub fn present_sliding(&self) -> Option<&Sliding> {
        match &self.slid {
            Some((_, Prediction::Limit(sliding))) if self.chattering => Some(sliding),
            _ => None,
        }
    }

    /// Why no limit is known while neurons chatter.
    pub fn remark(&self) -> Option<String> {
        match &self.slid {
            Some((_, prediction)) if self.chattering => match prediction {
                Prediction::Limit(sliding) if sliding.consistent() => None,
                Prediction::Limit(sliding) => {
                    let pairs = sliding.limit.inconsistent.len();
                    let what = "the limit for the present sides of the neurons has other sides";
                    Some(format!("{what} at {pairs} pairs (sample, neuron): they still have to change"))
                }
                Prediction::NotSeparable(_) => Some("the present sides of the neurons do not separate the data".into()),
                Prediction::Undecided(_) => {
                    Some("whether the present sides of the neurons separate the data is undecided".into())
                }
            },
            _ => None,
        }
    }

    /// The pattern of a state.
    pub fn pattern(&self, view: &dyn View) -> Pattern {
        Pattern::of(view.preactivations(), self.y.len(), self.network.width)
    }

    /// Whether the margins are positive, or could become so in the pattern of this state; true without K.
    pub fn separable(&mut self, row: &Row, view: &dyn View) -> bool {
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

    /// Whether the pattern of a row is final, as far as is known.
    pub fn pattern_state(&self, row: &Row) -> PatternState {
        if self.positive_correlation && row.sign_agreement == 1.0 {
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

    fn solve(&mut self, pattern: &Pattern, warm: &[f64]) {
        let Some(gram) = &self.gram else { return };
        if self.solved.as_ref().is_none_or(|(known, _)| known != pattern) {
            let warm = (warm.len() == self.y.len() && warm.iter().all(|w| w.is_finite())).then_some(warm);
            let prediction = Limit::of_pattern(gram, self.x.as_deref(), &self.y, &self.network, pattern, warm);
            self.solved = Some((pattern.clone(), prediction));
        }
    }

    /// The limit with sliding pairs, where neurons chatter and the pattern of the moment is not that of its
    /// own limit.
    fn solve_sliding(&mut self, pattern: &Pattern, warm: &[f64], chatters: bool) {
        self.chattering = false;
        if !chatters || self.limit().is_some() {
            return;
        }
        self.chattering = true;
        let Some(gram) = &self.gram else { return };
        let sides = self.own_sides(pattern);
        if self.slid.as_ref().is_none_or(|(known, _)| *known != sides) {
            let warm = warm.iter().all(|w| w.is_finite()).then_some(warm);
            let prediction = Sliding::with_sides(gram, self.x.as_deref(), &self.y, &self.network, &sides, warm);
            self.slid = Some((sides, prediction));
        }
    }

    /// The pattern with the bits of opposite-sign pairs at 0.
    pub fn own_sides(&self, pattern: &Pattern) -> Pattern {
        let mut sides = pattern.clone();
        for (i, y) in self.y.iter().enumerate() {
            for j in (0..self.network.width).filter(|&j| self.network.sign(j) * y < 0.0 && pattern.get(i, j)) {
                sides.flip(i, j);
            }
        }
        sides
    }

    /// Whether no weights whatever with these sides of the own-sign pairs ([`Monitor::own_sides`]) have only positive
    /// margins; false without K.
    pub fn hopeless(&mut self, sides: &Pattern) -> bool {
        let Some(gram) = &self.gram else { return false };
        if self.slid.as_ref().is_none_or(|(known, _)| known != sides) {
            let prediction = Sliding::with_sides(gram, self.x.as_deref(), &self.y, &self.network, sides, None);
            self.slid = Some((sides.clone(), prediction));
        }
        if let Some((_, Prediction::NotSeparable(proof))) = &self.slid {
            self.proof = Some(proof.clone());
            return true;
        }
        false
    }

    fn compare(&self, row: &mut Row, view: &dyn View, scaled: &[f64], gradient: &Gradient) {
        let Some(limit) = self.limit() else { return };
        let direction = limit.span.clone().scaled(-1.0 / limit.norm);
        let chord = view.combined_norm(1.0 / row.weight_norm, &direction);
        row.cosine_gap = Some(0.5 * chord * chord);
        let difference = sum(&gradient.span.clone().scaled(1.0 / gradient.norm), &direction);
        row.gradient_cosine_gap =
            Some(0.5 * self.geometry.squared_norm(&difference, &self.geometry.image(&difference)));
        let top = limit.lambda.iter().copied().fold(0.0, f64::max);
        let distance = scaled.iter().zip(&limit.lambda).map(|(s, l)| (s - l).abs());
        row.dual_gap = Some(distance.fold(0.0, f64::max) / top);
    }
}

/// The sum of two spans, by neurons unless their groups are the same.
fn sum(a: &Span, b: &Span) -> Span {
    let column = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a + b).collect();
    if a.groups == b.groups {
        return Span { columns: a.columns.iter().zip(&b.columns).map(column).collect(), groups: a.groups.clone() };
    }
    let m = a.groups.of.len();
    let pair = |j: usize| column((&a.columns[a.groups.of[j]], &b.columns[b.groups.of[j]]));
    Span { columns: (0..m).map(pair).collect(), groups: Groups::single(m) }
}

/// Whether all `⟨y_i x_i, y_k x_k⟩ ≥ 0`, beyond what rounding could hide (`2 d u ‖x_i‖‖x_k‖`).
fn positively_correlated(k: &Gram, norms: &[f64], y: &[f64], d: usize) -> bool {
    let slack = |i: usize, j: usize| d as f64 * f64::EPSILON * norms[i] * norms[j];
    (0..y.len()).all(|i| (0..i).all(|j| y[i] * y[j] * k.0[(i, j)] >= slack(i, j)))
}
