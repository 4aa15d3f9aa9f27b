//! Claims about λ: bounds of γ*, the KKT conditions, and that nothing separates.

use super::{Case, Checked, number, same};
use crate::claims::Claim;
use farfield::Matrix;
use farfield::claims::{Bracket, Dual, Seen};
use farfield::limit::PROOF;

/// λ as it was written, and what it proves.
pub struct Stored {
    /// λ as f64.
    pub dual: Vec<f64>,
    /// The bounds.
    pub bracket: Bracket,
    /// See [`Dual::residual`].
    pub residual: f64,
    /// Pairs where W* is not on the side that its slopes are for.
    pub elsewhere: Vec<(usize, usize)>,
}

impl Case {
    /// Whether the rows of a claim of this kind are free.
    pub(super) fn rows(&self, kind: &str) -> Result<bool, String> {
        let claim = self.certificate.claims.iter().find(|claim| claim.kind == kind);
        match claim.and_then(|claim| claim.choices.get("rows")).map(String::as_str) {
            Some("free") => Ok(true),
            Some("fixed") if self.has("pattern.npy") => Ok(false),
            _ => Err(format!("no claim {kind} says which slopes are given")),
        }
    }

    /// The slopes of λ (n×m): in a file, or those of the pattern.
    fn slopes(&self, seen: &Seen) -> Result<Matrix, String> {
        let (n, m) = (seen.y.len(), seen.network.width);
        if self.has("slopes.npy") {
            return self.matrix("slopes.npy", (n, m));
        }
        let bits = self.bits(seen)?.ok_or("no slopes.npy and no pattern.npy")?;
        Ok(Matrix::new(n, m, bits.into_iter().map(|bit| if bit { 1.0 } else { seen.network.leak }).collect()))
    }

    /// pattern.npy of a run.
    fn bits(&self, seen: &Seen) -> Result<Option<Vec<bool>>, String> {
        if !self.has("pattern.npy") {
            return Ok(None);
        }
        let bits = self.matrix("pattern.npy", (seen.y.len(), seen.network.width))?;
        Ok(Some(bits.values().iter().map(|bit| *bit == 1.0).collect()))
    }

    /// The given slopes: those of the pattern of a run, of a limit those that slopes.npy has for own-sign pairs, each γ or 1.
    fn given(&self, seen: &Seen, slopes: &Matrix) -> Result<Matrix, String> {
        let (n, m, leak) = (seen.y.len(), seen.network.width, seen.network.leak);
        if let Some(bits) = self.bits(seen)? {
            return Ok(Matrix::new(n, m, bits.into_iter().map(|bit| if bit { 1.0 } else { leak }).collect()));
        }
        let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let wrong = |&(i, j): &(usize, usize)| seen.own(i, j) && slopes[(i, j)] != 1.0 && slopes[(i, j)] != leak;
        match pairs.filter(wrong).map(|(i, j)| format!("the slope of sample {i} and neuron {j} is no side")).next() {
            Some(why) => Err(why),
            None => Ok(slopes.clone()),
        }
    }
}

/// λ with its slopes from the files.
pub fn read(case: &Case, free: bool, seen: &Seen) -> Result<Stored, String> {
    let (n, m) = (seen.y.len(), seen.network.width);
    let (lambda, slopes) = (case.vector("dual.npy", n)?, case.slopes(seen)?);
    let (remainders, given) = (case.matrix("remainders.npy", (n, m + 1))?, case.given(seen, &slopes)?);
    let dual = Dual { lambda: &lambda, slopes: &slopes, remainders: Some(&remainders), free };
    dual.fault(seen, |i, j| given[(i, j)]).map_or(Ok(()), Err)?;
    let bracket = dual.bracket(seen, |i, j| given[(i, j)]);
    let residual = dual.residual(seen, &bracket);
    let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
    let asked = |&(i, j): &(usize, usize)| !free || seen.own(i, j);
    let elsewhere = |&(i, j): &(usize, usize)| bracket.image.slope(seen, i, j) != given[(i, j)];
    let elsewhere = pairs.filter(asked).filter(elsewhere).collect();
    Ok(Stored { dual: lambda, bracket, residual, elsewhere })
}

/// Bounds of γ*.
pub fn margin(case: &Case, claim: &Claim, seen: &Seen) -> Checked {
    let Stored { bracket, .. } = read(case, case.rows("margin")?, seen)?;
    let (low, high) = (number(claim, "margin_interval.low")?, number(claim, "margin_interval.high")?);
    let (proved, above) = (bracket.low.below(), bracket.high.above());
    // 106 bits are compared before they are rounded
    if !(low > 0.0 && bracket.low >= low.into()) {
        return Err(format!("only γ* ≥ {proved:.17e} follows, stated {low:.17e}"));
    }
    if bracket.high > high.into() {
        return Err(format!("only γ* ≤ {above:.17e} follows, stated {high:.17e}"));
    }
    let middle = number(claim, "max_margin")?;
    if !(low <= middle && middle <= high) {
        return Err("max_margin is not between its bounds".into());
    }
    let error = number(claim, "direction_error")?;
    if bracket.direction_error > error && error < 2.0 {
        return Err(format!("direction_error is at most {:.16e}, stated {error:.16e}", bracket.direction_error));
    }
    Ok(format!("γ* in [{low:.16e}, {high:.16e}]"))
}

/// An upper bound of γ* where it is open whether any weights separate.
pub fn undecided(case: &Case, claim: &Claim, seen: &Seen) -> Checked {
    let Stored { bracket, .. } = read(case, case.rows("undecided")?, seen)?;
    let (low, high) = (number(claim, "margin_interval.low")?, number(claim, "margin_interval.high")?);
    if bracket.high > high.into() || high.is_nan() {
        return Err(format!("only γ* ≤ {:.17e} follows, stated {high:.17e}", bracket.high.above()));
    }
    if !(low == 0.0 || 0.0 < low && bracket.low >= low.into()) {
        return Err(format!("only γ* ≥ {:.17e} follows, stated {low:.17e}", bracket.low.below().max(0.0)));
    }
    Ok(format!("γ* in [{low:.16e}, {high:.16e}]"))
}

/// The KKT conditions, and the sides of W*.
pub fn kkt(case: &Case, claim: &Claim, seen: &Seen) -> Checked {
    let Stored { dual, residual, elsewhere, .. } = read(case, case.rows("kkt")?, seen)?;
    let stated = number(claim, "residual")?;
    if residual.is_nan() || residual > stated {
        return Err(format!("the residual is {residual:.3e}, stated {stated:.3e}"));
    }
    let support = dual.iter().filter(|l| **l > 0.0).count() as f64;
    same("support", number(claim, "support")?, support)?;
    same("the number of pairs elsewhere", number(claim, "inconsistent")?, elsewhere.len() as f64)?;
    sliders(case, seen, &dual)?;
    wrong_sides(case, seen)?;
    let consistent = case.result.pointer("/pattern/limit_consistent").or(case.result.get("limit_consistent"));
    if consistent != Some(&serde_json::Value::Bool(elsewhere.is_empty())) {
        return Err(format!("W* is elsewhere in {} pairs, against limit_consistent", elsewhere.len()));
    }
    Ok(format!("residual at most {residual:.1e}, {support} support vectors, W* elsewhere in {} pairs", elsewhere.len()))
}

/// The pairs that slide have the slopes and the weights that were written, and their fractions follow.
fn sliders(case: &Case, seen: &Seen, dual: &[f64]) -> Result<(), String> {
    let list = case.result.pointer("/pattern/sliding").or(case.result.get("sliding")).and_then(|list| list.as_array());
    let (slopes, leak) = (case.slopes(seen)?, seen.network.leak);
    for pair in list.into_iter().flatten() {
        let number = |name: &str| pair.get(name).and_then(serde_json::Value::as_f64);
        let i = number("sample").map_or(usize::MAX, |i| i as usize);
        let (Some(slope), Some(sign), true) = (number("slope"), number("sign"), i < dual.len()) else {
            return Err("a pair that slides has no sample, sign or slope".into());
        };
        let shown = |j: usize| seen.network.sign(j) == sign && slopes[(i, j)] == slope && !seen.own(i, j);
        if !(0..seen.network.width).any(shown) || number("dual").is_some_and(|l| l != dual[i]) {
            return Err(format!("sample {i} does not slide with this slope and weight"));
        }
        let fraction = (slope - leak) / (1.0 - leak);
        same("fraction_predicted", number("fraction_predicted").unwrap_or(f64::NAN), fraction)?;
    }
    Ok(())
}

/// Of a limit: the own-sign pairs that are given on the wrong side are those that were written, none without a pattern.
fn wrong_sides(case: &Case, seen: &Seen) -> Result<(), String> {
    let Some(stated) = case.result.get("wrong_side").filter(|_| !case.has("pattern.npy")) else { return Ok(()) };
    let slopes = case.slopes(seen)?;
    let pairs = (0..seen.y.len()).flat_map(|i| (0..seen.network.width).map(move |j| (i, j)));
    let found: Vec<_> = pairs.filter(|&(i, j)| seen.own(i, j) && slopes[(i, j)] != 1.0).collect();
    let stated: Vec<(usize, usize)> = match stated {
        serde_json::Value::Null => Vec::new(),
        list => serde_json::from_value(list.clone()).map_err(|e| format!("wrong_side: {e}"))?,
    };
    if found == stated { Ok(()) } else { Err("slopes.npy is for other sides than wrong_side".into()) }
}

/// That nothing separates.
pub fn inseparable(case: &Case, claim: &Claim, seen: &Seen) -> Checked {
    let (lambda, slopes) = (case.vector("farkas.npy", seen.y.len())?, case.slopes(seen)?);
    let given = case.given(seen, &slopes)?;
    let dual = Dual { lambda: &lambda, slopes: &slopes, remainders: None, free: true };
    dual.fault(seen, |i, j| given[(i, j)]).map_or(Ok(()), Err)?;
    let sum: f64 = lambda.iter().sum();
    let room = 2.0 * seen.y.len() as f64 * f64::EPSILON;
    if (sum - 1.0).abs() > room {
        return Err(format!("the weights of farkas.npy have the sum {sum}"));
    }
    let (stated, found) = (number(claim, "farkas_value")?, dual.cancellation(seen));
    if stated > PROOF || found.is_nan() || found > stated {
        return Err(format!("features changed by {found:.16e} cancel, stated {stated:.16e}"));
    }
    Ok(format!("features changed by {found:.1e} of their lengths cancel"))
}
