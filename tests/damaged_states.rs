//! A state that is damaged, foreign, or made up is an error, never a panic.

mod problems;
mod states;

use farfield::engine::{Reached, Stop};
use farfield::state::{Class, State, StateError};
use states::{Run, Way, interrupted};
use std::time::Duration;

/// Some runs with the states that they are saved in: early, and in later stretches.
fn saved() -> Vec<(Run, Vec<State>)> {
    let state = |run: Run| {
        let mut engine = run.begin();
        let mut states = vec![engine.save()];
        for target in &run.targets {
            if let Way::Voyage(_) = run.way {
                // In the midst of a stretch, if it takes that long.
                if interrupted(&mut *engine, *target, Duration::from_micros(200)) == Reached::Interrupted {
                    states.push(engine.save());
                }
            }
            assert_eq!(engine.advance(*target, &Stop::default()), Reached::Target);
            states.push(engine.save());
        }
        (run, states)
    };
    states::direct()
        .into_iter()
        .step_by(2)
        .chain(states::horizon())
        .filter(|r| !r.name.contains("wide"))
        .map(state)
        .collect()
}

#[test]
fn every_flipped_byte_and_every_truncation() {
    let tiny = |run: &Run| run.problem.n() <= 7;
    let (run, states) = saved().into_iter().find(|(run, _)| tiny(run)).expect("a small problem");
    let bytes = states.last().expect("a state").to_bytes();
    run.resume(&State::from_bytes(&bytes).expect("whole")).expect("a state of this run");
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 0x10;
        assert!(matches!(State::from_bytes(&other), Err(StateError::Damaged(_))), "byte {at}");
        assert!(matches!(State::from_bytes(&bytes[..at]), Err(StateError::Damaged(_))), "{at} bytes");
    }
}

#[test]
fn another_engine_problem_or_option() {
    let runs: Vec<_> = saved().into_iter().map(|(run, mut states)| (run, states.pop().expect("a state"))).collect();
    for (a, run) in runs.iter().map(|(run, _)| run).enumerate() {
        for (b, (other, state)) in runs.iter().enumerate() {
            let result = run.resume(state).map(|engine| engine.t());
            if a == b {
                assert!(result.is_ok(), "{}: {result:?}", run.name);
                continue;
            }
            let expected = match (&run.way, &other.way) {
                (Way::Direct(_), Way::Voyage(_)) | (Way::Voyage(_), Way::Direct(_)) => {
                    matches!(result, Err(StateError::Engine { .. }))
                }
                _ if !std::sync::Arc::ptr_eq(&run.problem, &other.problem) => result == Err(StateError::Problem),
                _ => matches!(result, Err(StateError::Option(_))),
            };
            assert!(expected, "{} from {}: {result:?}", run.name, other.name);
        }
    }
}

fn with(state: &State, name: &str, change: impl Fn(&mut Vec<f64>)) -> State {
    let mut other = state.clone();
    let mut values = other.remove(name).expect("there");
    change(&mut values);
    other.insert(name, Class::Path, values);
    // The checksum of what was changed is right.
    State::from_bytes(&other.to_bytes()).expect("whole")
}

#[test]
fn fields_that_are_missing_or_of_another_length() {
    for (run, states) in saved() {
        for state in states {
            for name in state.fields().map(|(name, ..)| name.to_owned()).collect::<Vec<_>>() {
                let refused = |what: &str, other: &State| {
                    assert!(run.resume(other).is_err(), "{}: {name} {what}, t = {:?}", run.name, state.get("t"));
                };
                let mut other = state.clone();
                let values = other.remove(&name).expect("there");
                refused("missing", &other);
                other.insert(format!("{name}s"), Class::Path, values.clone());
                refused("renamed", &other);
                refused("longer", &with(&state, &name, |values| values.push(0.0)));
                if !values.is_empty() {
                    refused("shorter", &with(&state, &name, |values| values.truncate(values.len() - 1)));
                }
            }
        }
    }
}

/// Ends of names of whole numbers: counts, flags, choices, places.
const WHOLE: [&str; 27] = [
    "calm",
    "wait",
    "late",
    "tied.steps",
    "judge.anchors",
    "judge.interval",
    "judge.strikes",
    "judge.failed",
    "crossings",
    "mode",
    "precision",
    "looks.next",
    "escalated",
    "flips",
    "chatter.sides",
    "sliding.places",
    "segments.engine",
    "segments.steps_taken",
    "events.sample",
    "events.neuron",
    "events.from",
    "events.to",
    "hold",
    "streamed.since",
    "rounding.anchors",
    "rounding.drift",
    "options.tied",
];

/// Numbers that are not whole ones below 2⁵³.
const BAD: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.5, 1e300];

#[test]
fn whole_numbers_that_are_none() {
    let mut tried = std::collections::BTreeSet::new();
    for (run, states) in saved() {
        for state in states {
            for (name, _, values) in state.fields().filter(|(_, _, values)| !values.is_empty()) {
                let Some(kind) = WHOLE.iter().find(|end| name == **end || name.ends_with(&format!(".{end}"))) else {
                    continue;
                };
                tried.insert(*kind);
                for bad in BAD {
                    let at = if kind.contains('.') && values.len() > 2 { values.len() - 1 } else { 0 };
                    let result = run.resume(&with(&state, name, |values| values[at] = bad)).map(|engine| engine.t());
                    assert!(result.is_err(), "{}: {name}[{at}] = {bad}: {result:?}", run.name);
                }
            }
        }
    }
    let untried: Vec<_> = WHOLE.iter().filter(|kind| !tried.contains(**kind)).collect();
    assert!(untried.is_empty(), "never saved: {untried:?}");
}

/// Whatever a number says: no panic, neither at once nor later, and no end without end.
#[test]
fn any_number_that_is_none() {
    let soon = Duration::from_millis(2);
    for (run, states) in saved() {
        let Some(state) = states.last() else { continue };
        for (name, _, values) in state.fields().filter(|(_, _, values)| !values.is_empty()) {
            for bad in [f64::NAN, f64::INFINITY, -1e300] {
                let at = values.len() / 2;
                if let Ok(mut engine) = run.resume(&with(state, name, |values| values[at] = bad)) {
                    let target = (2.0 * engine.t()).max(100.0);
                    interrupted(&mut *engine, target, soon);
                    engine.iterate().weight_norm();
                    engine.save();
                }
            }
        }
    }
}
