//! A run that is saved at any moment and resumed from the bytes, in this process or in another one, goes on in the
//! same bits: same digest, same flips, same rows of the trace.

mod problems;
mod states;

use farfield::engine::{Engine, Reached, Stop};
use farfield::state::State;
use states::{Dice, Run, interrupted};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The engine again, from the bytes of its state, as a new one.
fn through_bytes(run: &Run, engine: &dyn Engine) -> Box<dyn Engine> {
    let bytes = engine.save().to_bytes();
    let again = run.resume(&State::from_bytes(&bytes).expect("whole")).expect(&run.name);
    assert!(again.save().to_bytes() == bytes, "{}, t = {}: restored to another state", run.name, engine.t());
    again
}

/// What is seen at each target of a run that nothing interrupts.
fn through(run: &Run) -> Vec<String> {
    let mut engine = run.begin();
    let see = |t: &f64| {
        assert_eq!(engine.advance(*t, &Stop::default()), Reached::Target, "{}, t = {t}", run.name);
        run.seen(&mut *engine)
    };
    run.targets.iter().map(see).collect()
}

/// Steps end where they are told to: every t is a moment.
#[test]
fn direct_at_any_step() {
    let (mut dice, mut saves, mut stretches) = (Dice(1), 0, BTreeMap::new());
    for run in states::direct() {
        let (expected, mut engine) = (through(&run), run.begin());
        for (target, expected) in run.targets.iter().zip(expected) {
            loop {
                let length = (6.0 * (5.0 * dice.throw()).exp2()).ceil();
                let next = (engine.t() + length).min(*target);
                assert_eq!(engine.advance(next, &Stop::default()), Reached::Target);
                let state = engine.save();
                let (precision, tied) = (state.get("precision").expect("one"), state.get("tied.steps").is_some());
                *stretches.entry((precision[0] as u8, tied)).or_insert(0) += 1;
                engine = through_bytes(&run, &*engine);
                saves += 1;
                if next == *target {
                    break;
                }
            }
            assert_eq!(run.seen(&mut *engine), expected, "{}, t = {target}", run.name);
        }
    }
    println!("{saves} saves: {stretches:?}");
    assert!(saves >= 200, "{saves}");
    assert!(stretches.len() == 6, "every precision, in tied stretches and not: {stretches:?}");
}

#[test]
fn far_horizons_at_any_moment() {
    let (mut dice, mut modes) = (Dice(2), BTreeMap::new());
    // General steps; marches, in f64 and with H in f32; flights, which begin on steps in f64; averages.
    let wanted = [(0, false), (2, false), (2, true), (3, false), (4, false)];
    let enough = |modes: &BTreeMap<_, u32>| {
        modes.values().sum::<u32>() >= 500 && wanted.iter().all(|mode| modes.contains_key(mode))
    };
    let runs: Vec<_> = states::horizon().into_iter().map(|run| (through(&run), run)).collect();
    for _ in 0..50 {
        runs.iter().for_each(|(expected, run)| interrupt_all_the_way(run, expected, &mut dice, &mut modes));
        if enough(&modes) {
            break;
        }
    }
    println!("interrupted in (mode, H in f32): {modes:?}");
    assert!(enough(&modes), "{modes:?}");
}

/// Modes of a state in the span of the data, and whether H is in f32: how often it was saved there.
type Modes = BTreeMap<(usize, bool), u32>;

fn interrupt_all_the_way(run: &Run, expected: &[String], dice: &mut Dice, modes: &mut Modes) {
    let mut engine = run.begin();
    for (target, expected) in run.targets.iter().zip(expected) {
        for attempt in 0.. {
            // Longer and longer, so that every stretch comes to its end.
            let after = 5e-6 * (8.0 * dice.throw()).exp2() * f64::from(1 + attempt / 20);
            let reached = interrupted(&mut *engine, *target, Duration::from_secs_f64(after));
            let state = engine.save();
            let mode = state.get("mode").expect("a mode")[0] as usize;
            let streamed = state.get("settled.streamed.since").is_some();
            engine = through_bytes(run, &*engine);
            match reached {
                Reached::Target => break,
                Reached::Interrupted => *modes.entry((mode, streamed)).or_insert(0) += 1,
                other => panic!("{}: {other:?}", run.name),
            }
        }
        // a state may be of a moment before the t that was shown
        assert_eq!(engine.advance(*target, &Stop::default()), Reached::Target);
        assert_eq!(run.seen(&mut *engine), *expected, "{}, t = {target}", run.name);
    }
}

/// Names the file with a state for [`the_other_process`]; what it sees goes into another one beside it.
const FILE: &str = "FARFIELD_SAVED_STATE";

/// Every run, each interrupted at five random moments: 230 of them, each gone on from in a process of its own.
#[test]
fn in_another_process() {
    let (mut dice, folder) = (Dice(3), std::env::temp_dir().join(format!("farfield-states-{}", std::process::id())));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut moments = 0;
    for (number, run) in states::direct().iter().chain(&states::horizon()).enumerate() {
        let expected = through(run);
        for _ in 0..5 {
            goes_on_elsewhere(run, &expected, &mut dice, &folder.join(number.to_string()));
            moments += 1;
        }
    }
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(moments >= 200, "{moments}");
}

/// Interrupts the run at a moment, writes the state to a file and lets another process go on from there.
fn goes_on_elsewhere(run: &Run, expected: &[String], dice: &mut Dice, file: &Path) {
    let mut engine = run.begin();
    let next = 1 + (dice.throw() * (run.targets.len() - 1) as f64) as usize;
    for t in &run.targets[..next] {
        assert_eq!(engine.advance(*t, &Stop::default()), Reached::Target);
        run.seen(&mut *engine); // looking measures the drift
    }
    let moment = dice.throw().mul_add(run.targets[next].min(1e6) - engine.t(), engine.t()).floor();
    match run.way {
        states::Way::Direct(_) => engine.advance(moment, &Stop::default()),
        states::Way::Voyage(_) => {
            interrupted(&mut *engine, run.targets[next], Duration::from_secs_f64(1e-3 * dice.throw()))
        }
    };
    std::fs::write(file, engine.save().to_bytes()).expect("written");
    let done = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "the_other_process"])
        .env(FILE, file)
        .output()
        .expect("it runs");
    assert!(done.status.success(), "{}: {}", run.name, String::from_utf8_lossy(&done.stdout));
    let seen = std::fs::read_to_string(file.with_extension("seen")).expect("it has seen something");
    let own = engine.save().get("t").expect("a t")[0]; // there it has been seen
    let left = run.targets.iter().filter(|target| **target > own).count();
    assert_eq!(seen, expected[expected.len() - left..].join("\n"), "{} from t = {}", run.name, engine.t());
}

/// Run by [`in_another_process`]: goes on from a state through the targets that are left.
#[test]
#[ignore = "needs a state from another process"]
fn the_other_process() {
    let file = std::path::PathBuf::from(std::env::var_os(FILE).expect("a file"));
    let state = State::from_bytes(&std::fs::read(&file).expect("there")).expect("whole");
    let number: usize = file.file_name().and_then(|name| name.to_str()).expect("a number").parse().expect("a number");
    let run = states::direct().into_iter().chain(states::horizon()).nth(number).expect("a run");
    let mut engine = run.resume(&state).expect("a state of this run");
    let t = engine.t();
    let see = |target: &f64| {
        assert_eq!(engine.advance(*target, &Stop::default()), Reached::Target);
        run.seen(&mut *engine)
    };
    let seen: Vec<String> = run.targets.iter().skip_while(|target| **target <= t).map(see).collect();
    std::fs::write(file.with_extension("seen"), seen.join("\n")).expect("written");
}
