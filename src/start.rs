//! Which engine a configuration gets, and how it starts.

use crate::config::Config;
use crate::descent::choice::{LARGEST, Way, choose};
use crate::descent::direct::Direct;
use crate::descent::fused::Options;
use crate::descent::gram::{self, Start};
use crate::descent::horizon::{self, Horizon};
use crate::engine::{Engine, EngineKind, Flips, Precision};
use crate::error::Result;
use crate::geometry::{Gram, preactivations};
use crate::input_error;
use crate::problem::Problem;
use crate::state::{State, StateError};
use std::sync::Arc;

/// The engine that goes on from a state, in the same bits: the one that saved it, whatever the horizon is now.
///
/// # Errors
/// If the state is that of another problem or of other options, or cannot be one.
pub fn resume(config: &Config, problem: &Problem, state: &State) -> Result<Box<dyn Engine>> {
    Ok(match (state.engine(), &problem.gram) {
        (EngineKind::Direct, _) => {
            let (data, network, rate) = (&problem.data, problem.network, problem.rate());
            Box::new(Direct::restore(data.x.clone(), &data.y, &network, rate, &steps(config), state)?)
        }
        (_, Some(gram)) => Box::new(Horizon::restore(Arc::new(span(problem, gram.clone())), state, far(config))?),
        (found, None) => return Err(StateError::Engine { found }.into()),
    })
}

/// Options of the direct engine.
fn steps(config: &Config) -> Options {
    Options { precision: precision(config), tied: config.descent.tied, nest: None }
}

/// Options of the engine for long horizons.
fn far(config: &Config) -> horizon::Options {
    let (warp, sliding) = (config.descent.warp, config.descent.sliding_tolerance);
    horizon::Options { warp, sliding, mixed: precision(config) == Precision::Mixed, ..Default::default() }
}

fn precision(config: &Config) -> Precision {
    Precision::named(&config.descent.precision).unwrap_or(Precision::F64)
}

/// The problem as the span of the data sees it.
fn span(problem: &Problem, gram: Arc<Gram>) -> gram::Problem {
    let (data, weights) = (&problem.data, &problem.weights);
    let start = Start::new((**weights).clone(), preactivations(&data.x, weights));
    gram::Problem::new(gram, Some(data.x.clone()), data.y.clone(), problem.network, problem.rate(), start)
}

/// The engine that the configuration asks for, or the cheaper one.
pub fn engine(config: &Config, problem: &Problem) -> Result<Box<dyn Engine>> {
    let (data, network, rate) = (&problem.data, problem.network, problem.rate());
    let precision = precision(config);
    let gram = match config.descent.engine.as_str() {
        "direct" => None,
        "gram" if problem.gram.is_none() => {
            let n = data.y.len();
            return Err(input_error!("descent.engine = \"gram\": n = {n} is above {LARGEST}; use \"direct\""));
        }
        "gram" => problem.gram.clone(),
        _ => problem.gram.clone().filter(|_| {
            let (steps, warp) = (config.descent.steps, config.descent.warp);
            let way = choose(data.x.rows(), data.x.cols(), network.width, steps, warp);
            way == Way::Gram && precision != Precision::F32
        }),
    };
    Ok(match gram {
        Some(gram) => Box::new(Horizon::new(Arc::new(span(problem, gram)), 0.0, Flips::default(), far(config))),
        None => Box::new(Direct::new(data.x.clone(), &data.y, &network, rate, &problem.weights, &steps(config))),
    })
}
