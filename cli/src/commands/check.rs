//! `farfield check`.

use super::{CheckArgs, print};
use crate::error::Result;
use crate::json::to_json;
use crate::setup::Setup;
use crate::summary::{check, problem_line};
use farfield::Conditions;
use serde::Serialize;

/// The content of `farfield check --json`.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    facts: &'a Conditions,
    #[serde(rename = "conditions")]
    described: Vec<check::Described>,
}

pub fn execute(args: &CheckArgs) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    let setup = Setup::new(&config)?;
    let checked = Conditions::of(&setup.problem, &setup.start)?;
    if args.source.json {
        let described = check::described(&checked);
        return print(&to_json(&Checked { facts: &checked, described })).map(|()| 0);
    }
    print(&format!("{}\n\n{}", problem_line(&setup.problem, &config), check::report(&checked))).map(|()| 0)
}
