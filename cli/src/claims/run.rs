//! The claims of a run.

use super::words::{OF_LIMIT, OF_RIPPLE, OF_WEIGHTS};
use super::{Claim, data, has, limit, put};
use crate::error::Result;
use crate::folder::Folder;
use farfield::{CertifiedFor, Descent, Outcome, PatternState};

/// Writes the claims of a run about the files that its folder has by now.
///
/// # Errors
/// [`crate::error::Error::Internal`] if the file cannot be written.
pub fn of_run(descent: &mut Descent, outcome: &Outcome, folder: &Folder) -> Result<()> {
    let problem = descent.problem().clone();
    let mut claims = vec![data(folder, &outcome.data_digest)];
    if problem.network.linear() {
        claims.push(Claim::new("linear", folder, &["config.toml"]));
    }
    let held = has(folder, "weights.npy") && outcome.weight_norm.is_finite() && outcome.min_margin.is_finite();
    let mut open = Vec::new();
    if held {
        claims.extend(of_iterate(descent, outcome, folder));
    } else if !has(folder, "weights.npy") {
        open.push(OF_WEIGHTS);
    }
    if let Some(found) = descent.monitor().limit().filter(|_| outcome.max_margin.is_some()) {
        let slopes = if has(folder, "slopes.npy") { "slopes.npy" } else { "pattern.npy" };
        let of_dual = limit::of_dual(found, slopes, &problem, folder);
        let proved = !of_dual.is_empty();
        if !proved {
            open.push(OF_LIMIT);
        }
        claims.extend(of_dual);
        if held && proved {
            let gaps =
                Claim::new("gaps", folder, &["weights.npy", "margins.npy", "dual.npy", "remainders.npy", slopes]);
            let (magnitude, averaged) = (descent.iterate().magnitude(), has(folder, "averages.npy"));
            claims.push(
                gaps.rounded(&problem)
                    .number("magnitude", magnitude)
                    .number("cosine_gap", outcome.cosine_gap)
                    .number("gradient_cosine_gap", outcome.gradient_cosine_gap)
                    // with averages it counts their ripple, which the margins do not show
                    .number("dual_gap", outcome.dual_gap.filter(|_| !averaged)),
            );
            open.extend(averaged.then_some(OF_RIPPLE));
        }
    }
    if let Some(value) = outcome.farkas_value {
        let slopes = if has(folder, "slopes.npy") { "slopes.npy" } else { "pattern.npy" };
        claims.push(
            Claim::new("inseparable", folder, &["farkas.npy", "pattern.npy", slopes]).number("farkas_value", value),
        );
    }
    claims.extend(outcome.test_error.as_ref().map(|error| limit::of_test_error(error, folder)));
    claims.extend(outcome.test_error.as_ref().and_then(|error| limit::of_bounded(error, folder)));
    if let Some(found) = &outcome.held_out {
        let magnitude = held.then(|| descent.iterate().magnitude());
        claims.push(limit::of_held_out(found, magnitude, &problem, folder));
        open.extend(limit::open_of_held_out(Some(found), folder));
    }
    put(folder, &problem, Some(outcome.steps), claims, &open)
}

/// What is claimed of W, which the folder holds.
fn of_iterate(descent: &mut Descent, outcome: &Outcome, folder: &Folder) -> Vec<Claim> {
    const FILES: [&str; 4] = ["weights.npy", "margins.npy", "pattern.npy", "averages.npy"];
    let problem = descent.problem().clone();
    let mut claims = vec![
        Claim::new("margins", folder, &FILES)
            .rounded(&problem)
            .number("magnitude", descent.iterate().magnitude())
            .number("min_margin", outcome.min_margin)
            .number("weight_norm", outcome.weight_norm)
            .number("normalized_margin", outcome.normalized_margin)
            .number("log_loss", outcome.log_loss)
            .number("gradient_norm", outcome.gradient_norm)
            .number("train_error", outcome.train_error)
            .number("pattern.sign_agreement", outcome.pattern.sign_agreement),
    ];
    if let (Some(gap), Some(which)) = (outcome.certified_cosine_gap, outcome.certified_for) {
        let (name, sentence) = match which {
            CertifiedFor::Final => ("final", "These sides are final."),
            CertifiedFor::Proved if problem.network.linear() => {
                ("proved", "No side matters: every pattern is the same.")
            }
            CertifiedFor::Proved => ("proved", "These sides are final, by positive correlation."),
            CertifiedFor::Observed => ("observed", "These sides were observed to stay, and the limit has them, too."),
            CertifiedFor::PresentSides => ("present_sides", "These sides may still change, and the limit with them."),
        };
        let claim = Claim::new("distance", folder, &FILES).number("certified_cosine_gap", gap);
        claims.push(claim.choice("certified_for", name).also(sentence));
        if which == CertifiedFor::Final {
            let files = ["weights.npy", "margins.npy", "pattern.npy", "dual.npy"];
            claims.push(Claim::new("final", folder, &files).number("pattern.final_until", outcome.pattern.final_until));
        }
    }
    if outcome.pattern.state == PatternState::Proved && !problem.network.linear() {
        claims.push(Claim::new("correlated", folder, &["weights.npy", "pattern.npy"]));
    }
    claims
}
