//! `farfield check`.

use super::{CheckArgs, print};
use crate::error::Result;
use crate::files::classes::Classes;
use crate::json::to_json;
use crate::setup::Setup;
use crate::summary::{check, classes_line, problem_line, say};
use farfield::Conditions;
use serde::Serialize;

/// The content of `farfield check --json`.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    facts: &'a Conditions,
    #[serde(rename = "conditions")]
    described: Vec<check::Described>,
    classes: Option<&'a Classes>,
}

pub fn execute(args: &CheckArgs) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    let setup = Setup::new(&config)?;
    say(&setup.notes);
    let checked = Conditions::of(&setup.problem, &setup.start)?;
    if args.source.json {
        let described = check::described(&checked);
        return print(&to_json(&Checked { facts: &checked, described, classes: setup.classes.as_ref() })).map(|()| 0);
    }
    let classes = setup.classes.as_ref().map(|c| format!("{}\n", classes_line(Some(c)))).unwrap_or_default();
    print(&format!("{}\n{classes}\n{}", problem_line(&setup.problem, &config), check::report(&checked))).map(|()| 0)
}
