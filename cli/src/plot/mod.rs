//! `farfield plot`: figures of a run, of a limit or of a merged sweep, from the files that are there.
//!
//! ```text
//! folder  →  figures           run/, sweep/      numbers, chart, caption
//! chart   →  scene             axis, layout, layers
//! scene   →  svg, png          svg, png, font
//! ```
//!
//! A figure is four files in the folder `plots`: NAME.png and NAME.svg, NAME.csv with its numbers, NAME.txt with its caption.
//! Nothing else in the folder changes.

pub mod axis;
pub mod chart;
pub mod figure;
pub mod font;
pub mod layers;
pub mod layout;
pub mod palette;
pub mod png;
pub mod run;
pub mod scene;
pub mod shades;
pub mod svg;
pub mod sweep;
pub mod table;

use crate::error::{Error, Result, input_error};
use crate::folder::plots::{FIGURES, Plots};
use figure::Outcome;
use std::path::Path;
use sweep::Request;

/// Draws what a folder holds. `command` is the one that asks for it; what came of each figure.
///
/// # Errors
/// [`Error::Input`] if the folder holds nothing that can be drawn, or a name is not in it; [`Error::Internal`] if a file cannot
/// be written.
pub fn draw(dir: &Path, request: &Request, command: &str) -> Result<Vec<Outcome>> {
    let place = dir.display();
    let has = |name: &str| dir.join(name).is_file();
    let run = has("trace.csv");
    let outcomes = match (run, has("plan.toml")) {
        (true, _) if *request != Request::default() => {
            return Err(input_error!("{place} holds a run, whose figures are fixed; only a sweep takes options"));
        }
        (true, _) => run::figures(dir)?,
        (false, true) => vec![sweep::figure(dir, request)?],
        _ if has("result.json") && *request != Request::default() => {
            return Err(input_error!("{place} holds a limit, whose figure is fixed; only a sweep takes options"));
        }
        _ if has("result.json") => run::of_limit(dir)?,
        _ if dir.is_dir() => return Err(input_error!("{place}: neither trace.csv of a run nor plan.toml of a sweep")),
        _ => return Err(input_error!("{place}: no such folder")),
    };
    if outcomes.iter().all(|o| matches!(o, Outcome::Nothing { .. })) {
        return Err(input_error!("{place}: nothing to draw: {}", reasons(&outcomes)));
    }
    let plots = Plots::open(dir)?;
    if run {
        // those that can no longer be drawn go, too
        FIGURES.iter().try_for_each(|name| plots.remove(name))?;
    }
    for outcome in &outcomes {
        if let Outcome::Drawn(figure) = outcome {
            let files = figure.files(command).map_err(|why| Error::Internal(format!("{}: {why}", figure.name)))?;
            for (ending, content) in files {
                plots.write(&format!("{}.{ending}", figure.name), &content)?;
            }
        }
    }
    Ok(outcomes)
}

/// Why there is no figure, each reason once.
fn reasons(outcomes: &[Outcome]) -> String {
    let mut known: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if let Outcome::Nothing { why, .. } = outcome
            && !known.contains(&why.as_str())
        {
            known.push(why);
        }
    }
    known.join("; ")
}
