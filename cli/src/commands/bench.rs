//! `farfield bench`.

use super::print;
use crate::bench::{self, Engine, Options};
use crate::error::{Error, Result};
use clap::{Args, ValueEnum};
use farfield::descent::fused::Nest;
use farfield::{Loss, Precision};

#[derive(Args)]
pub struct BenchArgs {
    /// Number of samples
    #[arg(long, default_value_t = 100)]
    n: usize,
    /// Number of features
    #[arg(long, default_value_t = 10_000)]
    d: usize,
    /// Number of neurons
    #[arg(long, default_value_t = 10)]
    width: usize,
    /// Precision of the products
    #[arg(long, value_enum, default_value_t = Dtype::F64)]
    dtype: Dtype,
    /// A step on X, or the settled step on a packed n x n matrix
    #[arg(long, value_enum, default_value_t = Kind::Direct)]
    engine: Kind,
    /// The loss
    #[arg(long, value_enum, default_value_t = Losses::Exponential)]
    loss: Losses,
    /// Do not share work between neurons with equal updates
    #[arg(long)]
    untied: bool,
    /// The loop nest [default: chosen by the shape]
    #[arg(long, value_enum)]
    nest: Option<Loops>,
    /// Number of threads [default: SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, or all cores]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Seconds to spend on the steps
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    F32,
    F64,
    Mixed,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Direct,
    Gram,
}

#[derive(Clone, Copy, ValueEnum)]
enum Losses {
    Exponential,
    Logistic,
}

#[derive(Clone, Copy, ValueEnum)]
enum Loops {
    Panels,
    Rows,
}

pub fn execute(args: &BenchArgs) -> Result<u8> {
    let options = Options {
        n: args.n,
        d: args.d,
        width: args.width,
        precision: match args.dtype {
            Dtype::F32 => Precision::F32,
            Dtype::F64 => Precision::F64,
            Dtype::Mixed => Precision::Mixed,
        },
        engine: match args.engine {
            Kind::Direct => Engine::Direct,
            Kind::Gram => Engine::Gram,
        },
        loss: match args.loss {
            Losses::Exponential => Loss::Exponential,
            Losses::Logistic => Loss::Logistic,
        },
        tied: !args.untied,
        nest: args.nest.map(|nest| match nest {
            Loops::Panels => Nest::Panels,
            Loops::Rows => Nest::Rows,
        }),
        threads: crate::threads::count(args.threads)?,
        seconds: args.seconds,
    };
    let report = bench::run(&options)?;
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Error::Internal(e.to_string()))?;
        print(&format!("{json}\n"))?;
    } else {
        print(&format!("{report}\n"))?;
    }
    Ok(0)
}
