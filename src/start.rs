//! Which engine a configuration gets, and how it starts.

use crate::config::Config;
use crate::descent::choice::{LARGEST, Way, choose};
use crate::descent::direct::Direct;
use crate::descent::fused::Options;
use crate::descent::gram::{self, Start};
use crate::descent::horizon::{self, Horizon};
use crate::descent::{Engine, Flips, Precision};
use crate::error::Result;
use crate::geometry::preactivations;
use crate::input_error;
use crate::problem::Problem;
use std::sync::Arc;

/// The engine that the configuration asks for, or the cheaper one.
pub fn engine(config: &Config, problem: &Problem) -> Result<Box<dyn Engine>> {
    let (data, network, law) = (&problem.data, problem.network, (problem.loss, problem.rate()));
    let precision = Precision::named(&config.descent.precision).unwrap_or(Precision::F64);
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
        Some(gram) => {
            let start = Start::new((*problem.weights).clone(), preactivations(&data.x, &problem.weights));
            let (warp, sliding) = (config.descent.warp, config.descent.sliding_tolerance);
            let mixed = precision == Precision::Mixed;
            let options = horizon::Options { warp, sliding, mixed, ..Default::default() };
            let span = gram::Problem::new(gram, Some(data.x.clone()), data.y.clone(), network, law, start);
            Box::new(Horizon::new(Arc::new(span), 0.0, Flips::default(), options))
        }
        None => {
            let options = Options { precision, tied: config.descent.tied, nest: None };
            Box::new(Direct::new(data.x.clone(), &data.y, &network, law, &problem.weights, &options))
        }
    })
}
