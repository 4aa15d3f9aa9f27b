//! The claims of a finished folder, checked without running gradient descent.
//!
//! ```text
//! files     every file that result.json or a claim names has the digest that stands there
//! numbers   what certificate.json states as result.json does has the same bits there, and nothing that needs a claim lacks it
//! data      X and y, read or drawn again, have their digest
//! claims    each by itself, from X, y and the arrays: [`farfield::claims`]
//! rerun     gradient descent again, if that is asked for: the digest of its final state
//! ```
//!
//! Numbers of result.json are never used to prove others. What is computed here is rounded against the claim, so that
//! *verified* does not depend on the machine.

mod dual;
mod files;
mod held_out;
mod iterate;
mod mixture;
mod plane;

use crate::claims::words::RERUN;
use crate::claims::{CERTIFICATE, Certificate, Claim};
use crate::config::Config;
use crate::error::{Result, input_error};
use crate::files::{npy, pattern};
use crate::setup::Setup;
use farfield::claims::Seen;
use farfield::real::Real;
use farfield::{Matrix, Pattern, Problem};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What is known of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Verified,
    /// It does not, or what it needs is not there.
    NotVerified,
    /// Only the computation itself shows it.
    OnlyByRerunning,
}

/// A line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The kind of claim.
    pub claim: String,
    /// What is known of it.
    pub verdict: Verdict,
    /// What was found, or why not.
    pub why: String,
}

impl Line {
    /// A claim that holds if nothing speaks against it.
    pub fn of(claim: &str, found: std::result::Result<String, String>) -> Self {
        let (verdict, why) = match found {
            Ok(why) => (Verdict::Verified, why),
            Err(why) => (Verdict::NotVerified, why),
        };
        Self { claim: claim.into(), verdict, why }
    }
}

/// A check: what was found, or what speaks against the claim.
pub type Checked = std::result::Result<String, String>;

/// A finished folder.
#[derive(Clone)]
pub struct Case {
    path: PathBuf,
    /// Its configuration.
    pub config: Config,
    result: Value,
    certificate: std::sync::Arc<Certificate>,
}

impl Case {
    /// Reads what a folder says of itself.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] where a file is missing or cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let place = path.display();
        let text = |name: &str| {
            std::fs::read_to_string(path.join(name))
                .map_err(|e| input_error!("{place}: {name}: {e}; expected the folder of a finished run or limit"))
        };
        let broken = |name: &str, e: &dyn std::fmt::Display| input_error!("{place}: {name} cannot be read: {e}");
        let result = serde_json::from_str(&text("result.json")?).map_err(|e| broken("result.json", &e))?;
        let certificate = serde_json::from_str(&text(CERTIFICATE)?).map_err(|e| broken(CERTIFICATE, &e))?;
        let config = Config::load(Some(&path.join("config.toml")), &[])?.resolved()?;
        Ok(Self { path: path.into(), config, result, certificate: std::sync::Arc::new(certificate) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number of result.json by its dotted name.
    pub fn stated(&self, name: &str) -> Option<f64> {
        let (name, at) = match name.strip_prefix("margin_interval.") {
            Some(end) => ("margin_interval", Some(usize::from(end == "high"))),
            None => (name, None),
        };
        let value = name.split('.').try_fold(&self.result, |value, key| value.get(key))?;
        let value = at.map_or(Some(value), |at| value.get(at))?;
        serde_json::from_value::<Real>(value.clone()).ok().map(|v| v.0)
    }

    /// A text of result.json.
    pub fn text(&self, name: &str) -> Option<&str> {
        name.split('.').try_fold(&self.result, |value, key| value.get(key))?.as_str()
    }

    fn vector(&self, name: &str, n: usize) -> std::result::Result<Vec<f64>, String> {
        let v = npy::vector(&self.path.join(name)).map_err(|e| e.to_string())?;
        if v.len() == n { Ok(v) } else { Err(format!("{name} has {} numbers, expected {n}", v.len())) }
    }

    fn matrix(&self, name: &str, (r, c): (usize, usize)) -> std::result::Result<Matrix, String> {
        let m = npy::matrix(&self.path.join(name)).map_err(|e| e.to_string())?;
        let shape = (m.rows(), m.cols());
        if shape == (r, c) { Ok(m) } else { Err(format!("{name} is {} x {}, expected {r} x {c}", shape.0, shape.1)) }
    }

    fn pattern(&self, problem: &Problem) -> std::result::Result<Pattern, String> {
        let (n, m) = (problem.data.n(), problem.network.width);
        pattern::read(&self.path.join("pattern.npy"), n, m).map_err(|e| e.to_string())
    }

    /// Whether a file belongs to the claims: others that may lie about are not looked at.
    fn has(&self, name: &str) -> bool {
        self.certificate.claims.iter().any(|claim| claim.files.contains_key(name))
    }

    /// What needs no samples: digests, and numbers that stand twice.
    pub fn bookkeeping(&self) -> Vec<Line> {
        vec![
            Line::of("files", files::digests(&self.path, &self.result, &self.certificate)),
            Line::of("numbers", files::numbers(self, &self.certificate)),
        ]
    }

    /// The claims, for the problem that the configuration names.
    pub fn claims(&self, setup: &std::result::Result<Setup, String>) -> Vec<Line> {
        let of = |claim: &Claim| {
            let found = match setup {
                Ok(setup) => self.claim(claim, &setup.problem),
                Err(why) => Err(why.clone()),
            };
            Line::of(&claim.kind, found)
        };
        let of_descent = RERUN.iter().copied().filter(|_| self.text("digest").is_some());
        let open = self.certificate.only_by_rerunning.iter().map(String::as_str);
        let last = of_descent.chain(open.filter(|what| !RERUN.contains(what))).map(|what| Line {
            claim: "rerun".into(),
            verdict: Verdict::OnlyByRerunning,
            why: what.into(),
        });
        self.certificate.claims.iter().map(of).chain(last).collect()
    }

    fn claim(&self, claim: &Claim, problem: &Problem) -> Checked {
        files::about(&self.certificate.problem, problem)?;
        if claim.kind == "data" {
            return files::data(claim, problem);
        }
        let x = problem.data.samples().whole().ok_or("the samples do not fit into this process")?;
        let seen = Seen::new(x, problem.data.y(), problem.network);
        match claim.kind.as_str() {
            "margins" => iterate::margins(self, claim, problem, &seen),
            "distance" => iterate::distance(self, claim, problem, &seen),
            "gaps" => iterate::gaps(self, claim, problem, &seen),
            "correlated" => iterate::correlated(self, problem, &seen),
            "final" => iterate::lasting(self, problem, &seen),
            "linear" => iterate::linear(problem),
            "margin" => dual::margin(self, claim, &seen),
            "undecided" => dual::undecided(self, claim, &seen),
            "kkt" => dual::kkt(self, claim, &seen),
            "inseparable" => dual::inseparable(self, claim, &seen),
            "held_out" => held_out::held_out(self, claim, problem, &seen),
            "test_error" => mixture::test_error(self, claim, problem, &seen),
            "bounded_error" => mixture::bounded(self, claim, problem, &seen),
            other => Err(format!("a claim of the unknown kind {other}")),
        }
    }
}

/// A number of a claim.
fn number(claim: &Claim, name: &str) -> std::result::Result<f64, String> {
    claim.numbers.get(name).map(|v| v.0).ok_or_else(|| format!("the claim has no {name}"))
}

/// `Ok` if two numbers are within a tolerance; one that is none is not.
fn near(name: &str, stated: f64, found: f64, tolerance: f64) -> std::result::Result<(), String> {
    if stated == found || (stated - found).abs() <= tolerance {
        Ok(())
    } else {
        Err(format!("{name} is {found:.16e}, stated {stated:.16e}, more than {tolerance:.1e} apart"))
    }
}

/// `Ok` if two numbers are the same.
fn same(name: &str, stated: f64, found: f64) -> std::result::Result<(), String> {
    near(name, stated, found, 0.0)
}
