//! Claims about W, which the folder holds.

use super::dual::{Stored, read};
use super::{Case, Checked, near, number, same};
use crate::claims::Claim;
use crate::json::to_json;
use farfield::certificate::permanence;
use farfield::certificate::{Data, Gradient};
use farfield::claims::{Image, Present, ROUNDOFF, Seen};
use farfield::engine::{Iterate as _, Weights};
use farfield::limit::iterate::shares;
use farfield::limit::{Limit, Prediction};
use farfield::slopes::Slopes;
use farfield::{Matrix, Pattern, Problem};

/// W with its margins as they were written.
struct Iterate {
    margins: Vec<f64>,
    pattern: Pattern,
    slopes: Slopes,
    image: Image,
}

impl Iterate {
    fn read(case: &Case, problem: &Problem, seen: &Seen) -> Result<Self, String> {
        let (n, m) = (problem.data.n(), problem.network.width);
        let image = seen.weights(&case.matrix("weights.npy", (m, seen.x.cols()))?);
        let (margins, pattern) = (case.vector("margins.npy", n)?, case.pattern(problem)?);
        let slopes = match case.has("averages.npy") {
            true => Slopes::averaged(case.matrix("averages.npy", (n, m))?.values(), &problem.network),
            false => Slopes::of_pattern(&pattern, &problem.network),
        };
        Ok(Self { margins, pattern, slopes, image })
    }

    /// Whether the slopes are those of W: any in [γ, 1] of opposite-sign pairs.
    fn fault(&self, seen: &Seen) -> Option<String> {
        let (n, m) = (self.margins.len(), seen.network.width);
        let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let wrong = |&(i, j): &(usize, usize)| {
            let slope = self.slopes.values[(i, j)];
            match seen.own(i, j) {
                true => slope != self.image.slope(seen, i, j) || self.image.side(seen, i, j).is_none(),
                false => !(slope >= seen.network.leak && slope <= 1.0),
            }
        };
        pairs.filter(wrong).map(|(i, j)| format!("W does not have the slope of sample {i} and neuron {j}")).next()
    }

    fn present<'a>(&'a self, seen: &'a Seen, problem: &Problem) -> Present<'a> {
        Present::new(seen, &self.image, &self.margins, problem.loss, &self.slopes)
    }
}

/// margins.npy and pattern.npy belong to W, and the numbers to them.
pub fn margins(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let it = Iterate::read(case, problem, seen)?;
    let (n, m) = (it.margins.len(), seen.network.width);
    let (ku, magnitude) = (number(claim, "rounding")?, number(claim, "magnitude")?);
    let mut largest = 0.0f64;
    for (i, q) in it.image.outputs(seen).into_iter().enumerate() {
        let bound = ku * seen.norms[i] * magnitude;
        near(&format!("the margin of sample {i}"), it.margins[i], q.value(), bound)?;
        largest = largest.max(bound);
        for j in 0..m {
            let z = it.image.at(i, j).hi;
            if it.pattern.get(i, j) != (z > 0.0) && z.abs() > bound {
                return Err(format!("W does not show bit ({i}, {j}) of pattern.npy"));
            }
        }
    }
    let least = it.margins.iter().copied().fold(f64::INFINITY, f64::min);
    same("min_margin", number(claim, "min_margin")?, least)?;
    let norm = number(claim, "weight_norm")?;
    near("weight_norm", norm, it.image.norm.value(), ku * magnitude * (magnitude / norm).max(1.0))?;
    same("normalized_margin", number(claim, "normalized_margin")?, least / norm)?;
    let wrong = it.margins.iter().filter(|q| **q > 0.0).count();
    same("train_error", number(claim, "train_error")?, 1.0 - wrong as f64 / n as f64)?;
    agreement(claim, &it, seen, ku * magnitude)?;
    dead(case, &it.slopes.values)?;
    losses(claim, problem, seen, &it)?;
    training(case, problem, &it)?;
    Ok(format!("{n} margins and {} bits of W, each margin within {largest:.1e}", n * m))
}

/// As many samples and neurons as are called dead have no slope but 0; of a positive leak none are.
fn dead(case: &Case, slopes: &Matrix) -> Result<(), String> {
    let (n, m) = (slopes.rows(), slopes.cols());
    let samples = (0..n).filter(|&i| slopes.row(i).iter().all(|s| *s == 0.0)).count();
    let neurons = (0..m).filter(|&j| (0..n).all(|i| slopes[(i, j)] == 0.0)).count();
    let stated = |name: &str| case.stated(&format!("pattern.{name}")).unwrap_or(0.0);
    same("the number of dead samples", stated("dead_samples"), samples as f64)?;
    same("the number of dead neurons", stated("dead_neurons"), neurons as f64)
}

/// The fraction of activated pairs, but for those that are on their kinks up to rounding.
fn agreement(claim: &Claim, it: &Iterate, seen: &Seen, bound: f64) -> Result<(), String> {
    let (n, m) = (it.margins.len(), seen.network.width);
    let active = |i: usize, j: usize| it.pattern.get(i, j) == seen.own(i, j);
    let count = (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).filter(|&(i, j)| active(i, j)).count();
    let unsure = (0..n)
        .flat_map(|i| (0..m).map(move |j| (i, j)))
        .filter(|&(i, j)| it.image.at(i, j).hi.abs() <= bound * seen.norms[i]);
    let (pairs, name) = ((n * m) as f64, "pattern.sign_agreement");
    near(name, number(claim, name)?, count as f64 / pairs, unsure.count() as f64 / pairs + 4.0 * ROUNDOFF)
}

/// Clean and flipped samples apart, which follow from the margins and λ to the last bit.
fn training(case: &Case, problem: &Problem, it: &Iterate) -> Result<(), String> {
    let stated = case.result.get("training").filter(|training| !training.is_null());
    let (Some(stated), Some(clean)) = (stated, problem.data.clean()) else { return Ok(()) };
    let lambda = case.stated("max_margin").map(|_| case.vector("dual.npy", it.margins.len())).transpose()?;
    let found = shares(&it.margins, problem.data.y(), clean, lambda.as_deref());
    let found: serde_json::Value = serde_json::from_str(&to_json(&found)).map_err(|e| e.to_string())?;
    if *stated == found { Ok(()) } else { Err("training is not what follows from margins.npy".into()) }
}

/// `log L` and `‖∇L‖`, where the margins are finite: relative errors of the weights are those of exp and of a sum.
fn losses(claim: &Claim, problem: &Problem, seen: &Seen, it: &Iterate) -> Result<(), String> {
    let n = it.margins.len() as f64;
    let constant = problem.loss_constant.ln();
    let log_loss = constant + problem.loss.log_sum(&it.margins);
    let small = 4.0 * (n + 16.0) * ROUNDOFF;
    near("log_loss", number(claim, "log_loss")?, log_loss, small + 8.0 * ROUNDOFF * log_loss.abs())?;
    let present = it.present(seen, problem);
    let (norm, sizes) = present.gradient();
    let log = constant + present.log_sum();
    let found = norm * libm::exp(log);
    let ku = number(claim, "rounding")?;
    let relative = ku * (sizes / norm).powi(2) + small + 8.0 * ROUNDOFF * log.abs();
    near("gradient_norm", number(claim, "gradient_norm")?, found, relative * found)
}

/// The bound of `1 − cos(W, Ŵ)`.
pub fn distance(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let it = Iterate::read(case, problem, seen)?;
    it.fault(seen).map_or(Ok(()), Err)?;
    let stated = number(claim, "certified_cosine_gap")?;
    match it.present(seen, problem).distance() {
        Some(gap) if gap <= stated => {
            let which = claim.choices.get("certified_for").map_or("", String::as_str);
            backed(case, which)?;
            Ok(format!("1 − cos(W, Ŵ) ≤ {gap:.6e}, stated {stated:.6e}, for {which}"))
        }
        Some(gap) => Err(format!("only 1 − cos(W, Ŵ) ≤ {gap:.16e} follows, stated {stated:.16e}")),
        None => Err("no bound of the angle follows".into()),
    }
}

/// The claim behind a pattern that is proved to be final for ever: at leak 1 there is but one.
pub fn final_by(leak: f64) -> &'static str {
    if leak == 1.0 { "linear" } else { "correlated" }
}

/// Whether the claim that a certificate is for a final pattern stands beside it.
fn backed(case: &Case, which: &str) -> Result<(), String> {
    let needed = match which {
        "final" => "final",
        "proved" => final_by(case.certificate.problem.leak),
        "observed" => "kkt", // the limit has these sides
        "present_sides" => return Ok(()),
        other => return Err(format!("certified_for is {other}")),
    };
    match case.certificate.claims.iter().any(|claim| claim.kind == needed) {
        true => Ok(()),
        false => Err(format!("certified_for is {which} without the claim {needed}")),
    }
}

/// The exact gaps to the limit.
pub fn gaps(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let it = Iterate::read(case, problem, seen)?;
    let Stored { dual, bracket, .. } = &read(case, case.rows("margin")?, seen)?;
    let (ku, magnitude) = (number(claim, "rounding")?, number(claim, "magnitude")?);
    let length = it.image.norm.value();
    let present = it.present(seen, problem);
    let (gradient, sizes) = present.gradient();
    let star = bracket.image.size / bracket.image.norm.hi;
    let found = present.compared(bracket);
    near("cosine_gap", number(claim, "cosine_gap")?, found.gap, ku * (magnitude / length + star).powi(2))?;
    let tolerance = ku * (sizes / gradient + star).powi(2);
    near("gradient_cosine_gap", number(claim, "gradient_cosine_gap")?, found.gradient_gap, tolerance)?;
    if claim.numbers.contains_key("dual_gap") {
        weights(case, claim, problem, seen, (&it.margins, dual))?;
    }
    Ok(format!("1 − cos(W, Ŵ) = {:.6e}, of the gradient {:.6e}", found.gap, found.gradient_gap))
}

/// `dual_gap`, from the margins and λ.
fn weights(
    case: &Case,
    claim: &Claim,
    problem: &Problem,
    seen: &Seen,
    (margins, dual): (&[f64], &[f64]),
) -> Result<(), String> {
    let (ku, magnitude) = (number(claim, "rounding")?, number(claim, "magnitude")?);
    let t = case.certificate.problem.steps.map_or(f64::NAN, |t| t.0);
    let (log, tail) = ([problem.step_size, problem.loss_constant, t].map(f64::ln), problem.loss.tail());
    let top = dual.iter().copied().fold(0.0, f64::max);
    let (mut gap, mut tolerance) = (0.0f64, 0.0f64);
    for (i, q) in margins.iter().enumerate() {
        let scaled = tail * problem.loss.log_weight((log.iter().sum(), 0.0), (*q, 0.0)).exp();
        let size = log.iter().map(|l| l.abs()).sum::<f64>() + q.abs() + 4.0;
        let relative = ku * seen.norms[i] * magnitude + 8.0 * ROUNDOFF * size;
        gap = gap.max((scaled - dual[i]).abs() / top);
        tolerance = tolerance.max(scaled * relative.exp_m1() / top);
    }
    near("dual_gap", number(claim, "dual_gap")?, gap, tolerance + 4.0 * ROUNDOFF * gap)
}

/// Positive correlation, and every pair activated.
pub fn correlated(case: &Case, problem: &Problem, seen: &Seen) -> Checked {
    let it = Iterate::read(case, problem, seen)?;
    let (n, m) = (it.margins.len(), seen.network.width);
    let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
    let active = |&(i, j): &(usize, usize)| it.image.side(seen, i, j) == Some(seen.own(i, j));
    if let Some((i, j)) = pairs.clone().find(|pair| !active(pair)) {
        return Err(format!("sample {i} and neuron {j} are not activated beyond rounding"));
    }
    let k = &problem.data.gram().ok_or("too many samples for K")?.0;
    let slack = (seen.x.cols() + 8) as f64 * f64::EPSILON;
    for i in 0..n {
        for l in 0..i {
            if seen.y[i] * seen.y[l] * k[(i, l)] < 0.5 * slack * seen.norms[i] * seen.norms[l] {
                return Err(format!("samples {l} and {i} are not positively correlated beyond rounding"));
            }
        }
    }
    Ok(format!("{} pairs activated, all samples positively correlated", n * m))
}

/// Both slopes are 1.
pub fn linear(problem: &Problem) -> Checked {
    match problem.network.linear() {
        true => Ok("leak 1: f is linear in W".into()),
        false => Err(format!("the leak is {}", problem.network.leak)),
    }
}

/// Proposition 10 again, from W.
pub fn lasting(case: &Case, problem: &Problem, seen: &Seen) -> Checked {
    let it = Iterate::read(case, problem, seen)?;
    let gram = problem.data.gram().ok_or("too many samples for K")?;
    let (network, y) = (&problem.network, problem.data.y());
    let w = case.matrix("weights.npy", (network.width, seen.x.cols()))?;
    let view = Weights::new(problem.data.samples(), w.into());
    let lambda = case.vector("dual.npy", y.len()).ok();
    let x = Some(problem.data.samples() as &dyn farfield::data::slabs::Whole);
    let limit = match Limit::of_pattern(gram, x, y, network, &it.pattern, lambda.as_deref()) {
        Prediction::Limit(limit) => Some(limit),
        _ => None,
    };
    let data = Data::of(problem, &**gram);
    let gradient = Gradient::new(&data, problem.loss, &it.margins, &it.slopes);
    let pulls = permanence::Pulls::new(problem, gram, &it.slopes, view.preactivations());
    let present = permanence::Present {
        problem,
        gram,
        view: &view,
        q: &it.margins,
        slopes: &it.slopes,
        gradient: &gradient,
        log_loss: problem.loss_constant.ln() + problem.loss.log_sum(&it.margins),
        limit: limit.as_ref(),
        pulls: &pulls,
    };
    let t = case.certificate.problem.steps.map_or(f64::NAN, |t| t.0);
    match present.final_until(t) {
        f64::INFINITY => Ok("no pre-activation can reach 0 any more".into()),
        until => Err(format!("only final until t = {until:.3e} follows")),
    }
}
