//! Persistent chatter, as stepping shows it, and whether sliding explains it.
//!
//! Over a window of steps, `min(t/2, 2048)` of them, every pair's changes of side and its time on the
//! positive side are counted. The chatter counts as sliding if
//!
//! - no own-sign pair (`a_j y_i > 0`) changed sides more than once;
//! - with σ the pairs that changed sides at least three times, the last time in the second half of the
//!   window, the slopes θ that keep `z_σ = 0` all lie in [γ, 1];
//! - each pair's time on the positive side is the fraction `(θ − γ)/(1 − γ)` of the window, to [`AGREEMENT`].
//!
//! The same counts over each decade of t are kept for the result.
//!
//! *What keeps being stepped.* Own-sign pairs were never seen to chatter: their kinks repel. Steps go on where
//! modes last no longer than a window, so that fractions fall between those of two modes; where the averages'
//! bound is still above the tolerance, as on data that are barely separable, whose λ are huge (the remark names the t
//! at which it will have fallen); and where the data are not separable at all: then `αc t ℓ` grows for ever like
//! t, nothing settles, and a run ends early.

use super::mode::{Mode, Place};
use super::visits::Visits;
use crate::descent::span::Coefficients;
use crate::engine::Fractions;
use crate::network::Pattern;
use crate::number::COUNTABLE;
use crate::state::{Reader, Result, Saver};

/// Longest window, in steps: it tells fractions to 0.003, and the next one is soon complete where a pair has come to its kink in this.
pub const WINDOW: f64 = 2048.0;

/// First t at which a window may end in a verdict.
pub const YOUNG: f64 = 1024.0;

/// Largest difference between a fraction observed and the one that its slope predicts.
pub const AGREEMENT: f64 = 0.05;

/// Fewest changes of side in a window that count as chatter.
const CHANGES: f64 = 3.0;

/// What stepping has shown of the sides of the pairs: in the present window, and in every decade of t.
#[derive(Clone, Debug)]
pub struct Chatter {
    pattern: Pattern,
    window: Visits,
    decade: Visits,
    decades: Vec<Fractions>,
}

impl Chatter {
    /// A window that begins at the present t.
    pub fn new(state: &Coefficients) -> Self {
        let (t, pairs) = (state.t(), state.pattern().samples() * state.pattern().neurons());
        Self {
            pattern: state.pattern().clone(),
            window: Visits::new(t, pairs),
            decade: Visits::new(t, pairs),
            decades: Vec::new(),
        }
    }

    /// Takes notice of the present pattern.
    pub fn observe(&mut self, state: &Coefficients) {
        let (pattern, t) = (state.pattern(), state.t());
        while t < COUNTABLE && t >= next_decade(self.decade.start) {
            self.end_decade(next_decade(self.decade.start));
        }
        let m = pattern.neurons();
        for j in 0..m {
            for word in 0..pattern.column(j).len() {
                let mut changed = pattern.column(j)[word] ^ self.pattern.column(j)[word];
                while changed != 0 {
                    let pair = (64 * word + changed.trailing_zeros() as usize) * m + j;
                    changed &= changed - 1;
                    let was_above = self.pattern.get(pair / m, j);
                    self.window.note(pair, was_above, t);
                    self.decade.note(pair, was_above, t);
                }
            }
        }
        self.pattern.clone_from(pattern);
    }

    /// Ends a decade at t, and keeps it if something chattered.
    fn end_decade(&mut self, t: f64) {
        self.decades.extend(self.decade_until(t));
        self.decade = Visits::new(t, self.pattern.samples() * self.pattern.neurons());
    }

    /// The present decade up to t, if something chattered.
    fn decade_until(&self, t: f64) -> Option<Fractions> {
        let (m, pairs) = (self.pattern.neurons(), self.pattern.samples() * self.pattern.neurons());
        let chattered = t > self.decade.start && (0..pairs).any(|pair| self.decade.changes(pair) >= CHANGES);
        chattered.then(|| self.decade.fractions(|pair| self.pattern.get(pair / m, pair % m), t))
    }

    /// Begins again at the present t, after a stretch that was not stepped.
    pub fn resume(&mut self, state: &Coefficients) {
        *self = Self { decades: std::mem::take(&mut self.decades), ..Self::new(state) };
    }

    /// Ends the present decade at t: what follows is not stepped.
    pub fn pause(&mut self, t: f64) {
        self.end_decade(t);
    }

    /// Whether the window is complete at t.
    pub fn complete(&self, t: f64) -> bool {
        t >= YOUNG && t - self.window.start >= (0.5 * t).min(WINDOW)
    }

    /// The first t at which the window is complete.
    pub fn complete_at(&self) -> f64 {
        let start = self.window.start;
        (2.0 * start).min(start + WINDOW).max(YOUNG).ceil()
    }

    /// The decades of t in which something chattered, as far as they were stepped, up to t; 0 for those that are
    /// complete.
    pub fn decades(&self, t: f64) -> Vec<Fractions> {
        self.decades.iter().cloned().chain(self.decade_until(t)).collect()
    }

    /// Ends the window at the present t and begins another. Returns the places of all pairs if something
    /// chatters and sliding explains it; `scaled` is `αc t ℓ` (length n).
    pub fn judge(&mut self, state: &Coefficients, scaled: &[f64]) -> Option<Vec<Place>> {
        let places = self.explanation(state, scaled);
        self.window = Visits::new(state.t(), self.pattern.samples() * self.pattern.neurons());
        places
    }

    fn explanation(&self, state: &Coefficients, scaled: &[f64]) -> Option<Vec<Place>> {
        let (problem, m, window) = (state.problem(), self.pattern.neurons(), &self.window);
        let pairs = self.pattern.samples() * m;
        let own = |pair: usize| problem.network.sign(pair % m) * problem.labels[pair / m] > 0.0;
        if (0..pairs).any(|pair| own(pair) && window.changes(pair) > 1.0) {
            return None;
        }
        let half = 0.5 * (window.start + state.t());
        let above = |pair: usize| self.pattern.get(pair / m, pair % m);
        let place = |pair: usize| match above(pair) {
            _ if window.changes(pair) >= CHANGES && window.since(pair) > half => Place::Kink,
            true => Place::Above,
            false => Place::Below,
        };
        let places: Vec<Place> = (0..pairs).map(place).collect();
        if !places.contains(&Place::Kink) {
            return None;
        }
        let (leak, seen) = (problem.network.leak, window.fractions(above, state.t()).values);
        let slopes = Mode::new(problem, places.clone())?.slopes(problem, scaled);
        let agrees = |pair: usize| {
            places[pair] != Place::Kink || ((slopes[pair] - leak) / (1.0 - leak) - seen[pair]).abs() <= AGREEMENT
        };
        (0..pairs).all(agrees).then_some(places)
    }

    /// Writes all of it; decades are told of the run, beside its path.
    pub fn save(&self, out: &mut Saver) {
        let (n, m) = (self.pattern.samples(), self.pattern.neurons());
        let side = |pair: usize| f64::from(u8::from(self.pattern.get(pair / m, pair % m)));
        out.vector("sides", (0..n * m).map(side).collect::<Vec<_>>());
        self.window.save(&mut out.within("window"));
        let mut out = out.beside();
        self.decade.save(&mut out.within("decade"));
        let mut out = out.within("decades");
        out.vector("from", self.decades.iter().map(|decade| decade.from).collect::<Vec<_>>());
        out.vector("to", self.decades.iter().map(|decade| decade.to).collect::<Vec<_>>());
        out.vector("values", self.decades.iter().flat_map(|decade| &decade.values).copied().collect::<Vec<_>>());
    }

    /// Reads what [`Chatter::save`] wrote for n samples and m neurons.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader, n: usize, m: usize) -> Result<Self> {
        let sides = from.slice("sides", n * m)?;
        if let Some(side) = sides.iter().find(|side| **side != 0.0 && **side != 1.0) {
            return Err(from.wrong("sides", *side));
        }
        let decades = from.within("decades");
        let starts = decades.any("from")?;
        let (ends, values) = (decades.slice("to", starts.len())?, decades.slice("values", starts.len() * n * m)?);
        let fractions =
            |k: usize| Fractions { from: starts[k], to: ends[k], values: values[k * n * m..(k + 1) * n * m].to_vec() };
        Ok(Self {
            pattern: Pattern::of(sides, n, m),
            window: Visits::restore(&from.within("window"), n * m)?,
            decade: Visits::restore(&from.within("decade"), n * m)?,
            decades: (0..starts.len()).map(fractions).collect(),
        })
    }
}

/// The first power of ten above t.
fn next_decade(t: f64) -> f64 {
    let mut power = 1.0;
    while power <= t {
        power *= 10.0;
    }
    power
}
