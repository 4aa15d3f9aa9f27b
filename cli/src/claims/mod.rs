//! certificate.json: what a folder claims, and the numbers that prove it from the arrays beside it.
//!
//! A claim has a kind, a sentence, the same in symbols, numbers, and the blake3 of each file that it refers to. A number that
//! result.json states, too, has the same dotted name there and the same bits. Proofs are in docs/certificates.md;
//! [`crate::verify`] and verify/verify.py check them.

mod limit;
mod run;
pub mod words;

use crate::error::Result;
use crate::folder::{Digests, Folder};
use crate::json::to_json;
use farfield::Problem;
use farfield::claims::{ROUNDOFF, roundings};
use farfield::real::Real;
pub use limit::of_limit;
pub use run::of_run;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the file.
pub const CERTIFICATE: &str = "certificate.json";

/// The version of its meaning.
pub const VERSION: u32 = 1;

/// The content of a certificate.json.
#[derive(Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// [`VERSION`].
    pub version: u32,
    /// What the claims are about.
    pub problem: About,
    /// The claims.
    pub claims: Vec<Claim>,
    /// What only the computation itself shows.
    pub only_by_rerunning: Vec<String>,
}

/// The problem: sizes, network, loss, step.
#[derive(Debug, Serialize, Deserialize)]
pub struct About {
    /// Number of samples.
    pub n: usize,
    /// Number of columns of X.
    pub d: usize,
    /// Number of neurons m.
    pub width: usize,
    /// Number of neurons with `a_j = +1/√m`, which come first.
    pub positive: usize,
    /// γ.
    pub leak: f64,
    /// The name of the loss.
    pub loss: String,
    /// c.
    pub loss_constant: f64,
    /// α.
    pub step_size: f64,
    /// Of a run: t.
    pub steps: Option<Real>,
}

/// One claim.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed, as one word.
    pub kind: String,
    /// In words.
    pub statement: String,
    /// In symbols.
    pub symbols: String,
    /// The numbers that prove it, and the bounds of rounding that were used.
    pub numbers: BTreeMap<String, Real>,
    /// Names that say which case it is.
    pub choices: BTreeMap<String, String>,
    /// The files that it refers to, with their blake3.
    pub files: Digests,
}

impl Claim {
    /// Of a kind, about some of the files of a folder.
    fn new(kind: &str, folder: &Folder, files: &[&str]) -> Self {
        let digests = folder.digests();
        let listed = files.iter().filter_map(|name| Some(((*name).to_string(), digests.get(*name)?.clone())));
        let (statement, symbols) = words::of(kind);
        Self {
            kind: kind.into(),
            statement: statement.into(),
            symbols: symbols.into(),
            numbers: BTreeMap::new(),
            choices: BTreeMap::new(),
            files: listed.collect(),
        }
    }

    /// With a number, if it is known.
    fn number(mut self, name: &str, value: impl Into<Option<f64>>) -> Self {
        self.numbers.extend(value.into().map(|v| (name.to_string(), Real(v))));
        self
    }

    /// With a name.
    fn choice(mut self, name: &str, value: &str) -> Self {
        self.choices.insert(name.into(), value.into());
        self
    }

    /// With the bound of rounding that runs allow for, `k u` relative to sizes.
    fn rounded(self, problem: &Problem) -> Self {
        let (data, m) = (&problem.data, problem.network.width);
        self.number("rounding", roundings(data.n(), data.d(), m) * ROUNDOFF)
    }

    /// The statement with more of it.
    fn also(mut self, sentence: &str) -> Self {
        self.statement.push(' ');
        self.statement.push_str(sentence);
        self
    }
}

/// What every folder claims: the data.
fn data(folder: &Folder, digest: &str) -> Claim {
    Claim::new("data", folder, &["config.toml"]).choice("data_digest", digest)
}

/// Whether a folder has a file by now.
fn has(folder: &Folder, name: &str) -> bool {
    folder.digests().contains_key(name)
}

/// Writes certificate.json; `open` is what is stated without a claim.
fn put(folder: &Folder, problem: &Problem, steps: Option<f64>, claims: Vec<Claim>, open: &[&str]) -> Result<()> {
    let (data, network) = (&problem.data, &problem.network);
    let certificate = Certificate {
        version: VERSION,
        problem: About {
            n: data.n(),
            d: data.d(),
            width: network.width,
            positive: network.positive,
            leak: network.leak,
            loss: problem.loss.name().into(),
            loss_constant: problem.loss_constant,
            step_size: problem.step_size,
            steps: steps.map(Real),
        },
        claims,
        only_by_rerunning: {
            let of_descent = words::RERUN.iter().filter(|_| steps.is_some());
            of_descent.chain(open).map(|what| (*what).to_string()).collect()
        },
    };
    folder.write(CERTIFICATE, to_json(&certificate).as_bytes())
}
