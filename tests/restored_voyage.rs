//! An engine restored from its saved state goes on in the same bits, wherever it was interrupted.

mod problems;

use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, Flips, Reached, Stop};
use problems::named;
use std::sync::atomic::Ordering;

/// Targets of a run, some of them in the middle of a settled or a warp stretch.
const TARGETS: [f64; 9] = [3.0, 20.0, 700.0, 2000.0, 2700.0, 1e5, 1e6, 1e12, 1e40];

fn restored(engine: &mut Voyage, options: Options) -> Voyage {
    Voyage::restore(engine.coefficients().problem().clone(), &engine.save(), options).expect("a whole state")
}

#[test]
fn at_monitored_times() {
    for (name, mixed) in [("late flips", false), ("plain", false), ("plain", true)] {
        let (p, options) = (named(name), Options { mixed, ..Options::default() });
        let mut through = Voyage::new(p.clone(), 0.0, Flips::default(), options);
        let mut broken = Voyage::new(p, 0.0, Flips::default(), options);
        for t in TARGETS {
            assert_eq!(through.advance(t, &Stop::default()), Reached::Target);
            broken = restored(&mut broken, options);
            assert_eq!(broken.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(broken.save().digest(), through.save().digest(), "{name}, t = {t}");
        }
    }
}

/// A thread raises the flag at arbitrary moments, in settled stretches and in flight.
#[test]
fn at_any_moment() {
    at_any_moment_with(Options::default());
    // H in f32, between two anchors.
    at_any_moment_with(Options { mixed: true, ..Options::default() });
}

fn at_any_moment_with(options: Options) {
    let p = named("n = 300");
    let mut through = Voyage::new(p.clone(), 0.0, Flips::default(), options);
    let mut broken = Voyage::new(p, 0.0, Flips::default(), options);
    let mut interruptions = 0;
    for t in [5.0, 700.0, 2000.0, 1e7, 1e12] {
        assert_eq!(through.advance(t, &Stop::default()), Reached::Target);
        for doubling in 0.. {
            let stop = Stop::default();
            let flag = stop.flag();
            let timer = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_micros(1 << doubling));
                flag.store(true, Ordering::Relaxed);
            });
            let reached = broken.advance(t, &stop);
            timer.join().expect("the timer ends");
            broken = restored(&mut broken, options);
            match reached {
                Reached::Target => break,
                Reached::Interrupted => interruptions += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(broken.save().digest(), through.save().digest(), "t = {t}");
    }
    assert!(interruptions > 0, "the run was never interrupted");
}
