//! The normalized margin against t, between its bounds.
//!
//! ```text
//! min_i q_i/‖W‖  ≤  γ*  ≤  ‖∇L‖/L        weak duality with the weights ℓ_i/Σℓ, exponential loss
//! ```
//!
//! The right side needs no limit and closes on γ* from above. A lower bound of the normalized margin by the certified angle
//! would need max ‖Φ_i‖, which no column has; none is drawn.

use super::{Drawn, Run, values};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel};
use crate::plot::figure::Figure;
use crate::plot::palette::{REFERENCE, STYLES};

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    let column = |name: &str| run.trace.numbers(name);
    let ratio = |(q, w): (&Option<f64>, &Option<f64>)| Some((*q)? / (*w)?).filter(|v| v.is_finite());
    let margin: Vec<Option<f64>> = column("min_margin").iter().zip(&column("weight_norm")).map(ratio).collect();
    let points = run.points(&margin);
    if run.last().is_none() {
        return Ok(Err(run.nothing()));
    }
    if points.iter().all(|(_, y)| y.is_none()) {
        return Ok(Err("no row has a margin".into()));
    }
    let exponential = run.field("provenance.config.descent.loss").is_none_or(|loss| loss == "exponential");
    let bound: Vec<Option<f64>> = match exponential {
        true => column("gradient_norm").iter().zip(&column("log_loss")).map(|(g, l)| upper((*g)?, (*l)?)).collect(),
        false => vec![None; margin.len()],
    };
    let max_margin = run.number("max_margin");
    let above = run.points(&bound);
    // early bounds are far above: what is shown is the neighbourhood of the margins
    let shown = values([&points]).into_iter().chain(max_margin);
    let mut y = Axis::around("normalized margin", Scale::Linear, shown);
    y.range.1 += 0.08 * (y.range.1 - y.range.0);
    let mut layers = vec![Layer::line("min margin / ‖W‖", STYLES[0], points)];
    if above.iter().any(|(_, y)| y.is_some()) {
        layers.push(Layer::line("‖∇L‖ / L, at least γ* of the row's pattern", STYLES[1], above));
    }
    layers.extend(max_margin.map(|at| Layer::level("maximal margin γ*", REFERENCE, at)));
    let chart = Chart { title: "Normalized margin".into(), x: run.axis(), panels: vec![Panel::new(y, layers)] };
    let goal = vec![max_margin; margin.len()];
    let data =
        run.data().numbers("normalized_margin", &margin).numbers("upper_bound", &bound).numbers("max_margin", &goal);
    Ok(Ok(Figure::new(chart, shows(max_margin, exponential), data)))
}

/// ‖∇L‖/L from the norm and log L; none where the norm has lost digits.
fn upper(gradient: f64, log_loss: f64) -> Option<f64> {
    let whole = gradient >= f64::MIN_POSITIVE && gradient.is_finite();
    whole.then(|| libm::exp(libm::log(gradient) - log_loss)).filter(|v| v.is_finite())
}

fn shows(max_margin: Option<f64>, exponential: bool) -> Vec<String> {
    let goal = match max_margin {
        Some(v) => format!("The level is the maximal margin of the limit, {v:.15}."),
        None => "No limit is known: there is no level of a maximal margin.".into(),
    };
    let bound = match exponential {
        true => {
            "The upper curve is weak duality, which needs no limit: the maximal margin of the pattern of a row is at most \
                 |grad L|/L. Where it is above the frame it is cut off."
        }
        false => {
            "An upper bound by weak duality is not drawn: with the logistic loss it needs sums that trace.csv has not."
        }
    };
    vec![
        "The normalized margin min_i q_i / |W| of gradient descent against the number of steps t (log scale). It rises to \
         the maximal margin like 1/log t."
            .into(),
        goal,
        bound.into(),
        "A lower bound of the normalized margin from the certified angle would need the largest |Phi_i|, which no column has: \
         none is drawn."
            .into(),
    ]
}
