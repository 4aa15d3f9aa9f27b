//! The limit that the theory predicts, without running gradient descent, and the facts that follow from it.
//!
//! Every own-sign pair (`a_j y_i > 0`) is taken to be activated, or to be on the side that a finished run
//! shows; the other pairs may slide along their kinks ([`crate::limit::sliding`]). Where none does and
//! all are activated, this is the limit of the fully activated pattern of \[H, Thm 4.8\].

use crate::error::Result;
use crate::inner_products::{Gram, InnerProducts};
use crate::limit::monte_carlo::Sampling;
use crate::limit::ray::{NoRay, Ray};
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::limit::{Inseparable, Prediction};
use crate::network::Pattern;
use crate::outcome::{HeldOutOutcome, RayOutcome, TestError};
use crate::problem::Problem;
use crate::real;
use crate::start::Start;
use crate::watch::Phase;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What came of the search for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitStatus {
    /// λ is known.
    Solved,
    /// No weights separate the data with the assumed sides; the certificate is known.
    NotSeparable,
    /// Neither a separating direction nor a proof that there is none; the bounds of the margin are known.
    Undecided,
}

/// A sample and the neurons of the opposite sign that stay on its kink.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slider {
    /// Index of the sample.
    pub sample: usize,
    /// Sign of the neurons.
    #[serde(with = "real")]
    pub sign: f64,
    /// Number of neurons.
    pub neurons: usize,
    /// The effective slope θ.
    #[serde(with = "real")]
    pub slope: f64,
    /// The fraction of steps with `z > 0` that θ predicts.
    #[serde(with = "real")]
    pub fraction_predicted: f64,
}

/// The facts of a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitOutcome {
    /// What came of the search.
    pub status: LimitStatus,
    /// γ*, the maximal margin of a unit direction.
    #[serde(with = "real::maybe")]
    pub max_margin: Option<f64>,
    /// Proved bounds of γ*, rounded outward.
    #[serde(with = "real::pair")]
    pub margin_interval: Option<(f64, f64)>,
    /// A proved bound of the distance of the unit directions.
    #[serde(with = "real::maybe")]
    pub direction_error: Option<f64>,
    /// Whether every own-sign pair is in the limit on the side it was assumed on.
    pub limit_consistent: bool,
    /// Pairs (sample, neuron) of one sign whose side in the limit is not the assumed one.
    pub inconsistent_pairs: Option<Vec<(usize, usize)>>,
    /// Pairs (sample, neuron) of one sign that the given pattern has on the wrong side, `z ≤ 0`.
    pub wrong_side: Option<Vec<(usize, usize)>>,
    /// Bits of the given pattern, sliding pairs aside, that the limit does not show.
    pub differing_bits: Option<usize>,
    /// Without a given pattern: pairs of one sign that the first step of gradient descent leaves inactive.
    pub inactive_after_one: Option<usize>,
    /// Pairs that stay on their kink, with the fraction of steps on its positive side.
    pub sliding: Vec<Slider>,
    /// Number of samples with λ > 0.
    pub support: Option<usize>,
    /// The rate exponent ν.
    #[serde(with = "real::maybe")]
    pub rate_exponent: Option<f64>,
    /// Backward error of the KKT conditions.
    #[serde(with = "real::maybe")]
    pub kkt_residual: Option<f64>,
    /// Seconds for the dual problem, K given.
    #[serde(with = "real")]
    pub solve_seconds: f64,
    /// Where the data cannot be separated: the relative change of the features, at most 2⁻⁵¹, with which they cancel
    /// exactly under weights λ ≥ 0 with Σλ = 1.
    #[serde(with = "real::maybe")]
    pub farkas_value: Option<f64>,
    /// Where the data cannot be separated: where gradient descent goes with the assumed sides.
    pub ray: Option<RayOutcome>,
    /// Why that is not known.
    pub no_ray: Option<NoRay>,
    /// The probability of misclassifying a fresh sample, where the distribution is known.
    pub test_error: Option<TestError>,
    /// Errors among samples that are not trained on, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutOutcome>,
    /// The step size α.
    #[serde(with = "real")]
    pub step_size: f64,
    /// `λmax(XXᵀ)`.
    #[serde(with = "real")]
    pub lambda_max: f64,
    /// blake3 of shape, samples and labels.
    pub data_digest: String,
}

impl LimitOutcome {
    /// Solves for the limit with every own-sign pair activated, or on the sides that `pattern` (n×m) shows, and
    /// gathers what follows. The first step of gradient descent from `start` says which pairs it leaves inactive;
    /// test errors without a closed form are sampled with generators of `seed`.
    ///
    /// # Errors
    /// [`crate::Error::TooManySamples`]; [`crate::Error::Shape`] for a start of another shape.
    pub fn of(
        problem: &Problem,
        start: &Start,
        pattern: Option<&Pattern>,
        seed: u64,
    ) -> Result<(Self, Prediction<Sliding>)> {
        Self::sampled(problem, start, pattern, &Sampling::seeded(seed))
    }

    /// [`LimitOutcome::of`] with test errors sampled as given; its watch sees the whole of it.
    ///
    /// # Errors
    /// As [`LimitOutcome::of`].
    pub fn sampled(
        problem: &Problem,
        start: &Start,
        pattern: Option<&Pattern>,
        sampling: &Sampling,
    ) -> Result<(Self, Prediction<Sliding>)> {
        Self::within(problem, start, pattern, sampling, 0.0)
    }

    /// [`LimitOutcome::sampled`] for those whom bounds of γ* serve that leave it `gap` of itself, and with it the direction `√(2 gap)`: where
    /// K proves as much, and on which side of its kink each pair is, λ is not refined against X. All that is claimed is proved with either; other
    /// facts have the digits that λ has, some thirteen where K is not nearly singular.
    ///
    /// # Errors
    /// As [`LimitOutcome::of`].
    pub fn within(
        problem: &Problem,
        start: &Start,
        pattern: Option<&Pattern>,
        sampling: &Sampling,
        gap: f64,
    ) -> Result<(Self, Prediction<Sliding>)> {
        let data = &problem.data;
        let gram = data.gram_for("the limit")?;
        sampling.watch.begin(Phase::Limit, data.n() as u64);
        let begun = Instant::now();
        let (y, network, x) = (data.y(), &problem.network, data.samples());
        let activated = || Pattern::activated(network, y);
        let sides = pattern.cloned().unwrap_or_else(activated);
        let mut prediction = Sliding::with_sides(gram, Some(x), y, network, &sides, None);
        if let (Prediction::Limit(solved), Some(x)) = (&mut prediction, x.view())
            && !solved.limit.known_within(gap)
        {
            solved.verify(gram, x, &sides);
        }
        let no_ray = match &mut prediction {
            Prediction::NotSeparable(proof) => proof.follow(problem, &sides).err(),
            _ => None,
        };
        let solve_seconds = begun.elapsed().as_secs_f64();
        let (status, solved, farkas_value, kkt_residual) = match &prediction {
            Prediction::Limit(solved) => (LimitStatus::Solved, Some(solved), None, Some(solved.limit.kkt_residual)),
            Prediction::NotSeparable(proof) => (LimitStatus::NotSeparable, None, Some(proof.farkas.relative), None),
            Prediction::Undecided(best) => (LimitStatus::Undecided, None, None, Some(best.kkt_residual)),
        };
        let limit = solved.map(|s| &s.limit);
        let margin_interval = match &prediction {
            Prediction::Limit(solved) => Some(solved.limit.margin_interval),
            Prediction::Undecided(best) => Some(best.margin_interval),
            Prediction::NotSeparable(_) => None,
        };
        let ray = match &prediction {
            Prediction::NotSeparable(proof) => proof.ray.as_deref(),
            _ => None,
        };
        let own = |i: usize, j: usize| (network.sign(j) * y[i] > 0.0).then(|| sides.get(i, j));
        let off = |ray: &Ray| ray.inconsistent(gram, network, true, own).len();
        let test_error = match (limit, ray) {
            (Some(limit), _) => TestError::of_limit(limit, problem, sampling),
            (None, Some(ray)) => TestError::of_ray(Some(&ray.goal(network)), problem, sampling),
            (None, None) => None,
        };
        let goal = limit.map(|limit| limit.direction.clone()).or_else(|| ray.map(|ray| ray.goal(network)));
        let inactive = || inactive_after_one(&problem.stepping(), start, gram);
        let facts = Self {
            status,
            max_margin: limit.map(|l| l.max_margin),
            margin_interval,
            direction_error: limit.map(|l| l.direction_error),
            limit_consistent: limit.is_some_and(|l| l.consistent()),
            inconsistent_pairs: limit.map(|l| l.inconsistent.clone()),
            wrong_side: solved.filter(|_| pattern.is_some()).map(|s| s.wrong_side.clone()),
            differing_bits: solved.zip(pattern).map(|(s, p)| s.differing_bits(gram, p)),
            inactive_after_one: if pattern.is_none() { Some(inactive()?) } else { None },
            sliding: solved.iter().flat_map(|s| s.pairs.iter().map(|pair| slider(s, pair))).collect(),
            support: limit.map(|l| l.lambda.iter().filter(|v| **v > 0.0).count()),
            rate_exponent: solved.map(|s| s.rate_exponent(gram)),
            kkt_residual,
            solve_seconds,
            farkas_value,
            ray: ray.map(|ray| RayOutcome::new(ray, problem, off(ray))),
            no_ray,
            test_error,
            held_out: HeldOutOutcome::new(goal.as_ref(), None, problem),
            step_size: problem.step_size,
            lambda_max: data.lambda_max(),
            data_digest: data.digest(),
        };
        Ok((facts, prediction))
    }
}

impl Inseparable {
    /// Solves for the ray with the own-sign pairs on these sides.
    fn follow(&mut self, problem: &Problem, sides: &Pattern) -> std::result::Result<(), NoRay> {
        let x = problem.data.samples().view().ok_or(NoRay::TooLarge)?;
        let ray = Ray::with_sides(x, problem.data.y(), &problem.network, sides, problem.loss)?;
        self.ray = Some(Box::new(ray));
        Ok(())
    }
}

fn slider(solved: &Sliding, p: &SlidingPair) -> Slider {
    let neurons = solved.limit.direction.groups.size[p.group];
    Slider { sample: p.sample, sign: p.sign, neurons, slope: p.slope, fraction_predicted: p.fraction }
}

/// The number of own-sign pairs with `a_j y_i z_ij ≤ 0` after the first step of gradient descent,
/// `z_j ← z_j + α c a_j K (s(q_i) y_i g_ij)_i`.
fn inactive_after_one(problem: &Problem, start: &Start, gram: &Gram) -> Result<usize> {
    let (y, network) = (problem.data.y(), &problem.network);
    let (n, m) = (y.len(), network.width);
    if network.linear() {
        return Ok(0); // no pair is active or not
    }
    let z = problem.data.samples().preactivations(&*start.matrix(problem)?);
    let pattern = Pattern::of(&z, n, m);
    let weights: Vec<f64> = network.margins(&z, y).iter().map(|q| problem.loss.weight(*q)).collect();
    let inactive = |j: usize| {
        let column: Vec<f64> = (0..n).map(|i| weights[i] * y[i] * pattern.slope(network, i, j)).collect();
        let push = gram.apply(&column);
        let after = |i: usize| (problem.rate() * network.output(j)).mul_add(push[i], z[i * m + j]);
        (0..n).filter(|&i| network.sign(j) * y[i] > 0.0 && network.sign(j) * y[i] * after(i) <= 0.0).count()
    };
    Ok((0..m).map(inactive).sum())
}
