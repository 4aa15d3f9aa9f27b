//! Samples that are drawn anew for every pass: runs, limits and weights have the bits of those in memory, whatever the room.

use farfield::data::slabs::X;
use farfield::{
    Data, Descent, Draw, EngineChoice, Error, Mixture, Network, Noise, Options, Problem, Row, Start, Stream, Watch,
};
use std::ops::ControlFlow;

fn mixture(d: usize) -> Mixture {
    let stream = if d.is_multiple_of(2) { Stream::Bulk } else { Stream::Polar };
    Mixture::new(5.0, (0..d).map(|k| 1.0 + 1.0 / (1.0 + k as f64)).collect(), Noise::Gaussian).with_stream(stream)
}

/// The digest of a run to 1e12, w̄, W, and the digest of the data.
fn run(data: &Data) -> (String, Vec<f64>, Vec<f64>, String) {
    let problem = Problem::new(data, Network::new(4, 2, 0.1).expect("a network")).expect("a problem");
    let options = Options { planned: 1e12, engine: EngineChoice::Gram, ..Options::default() };
    let mut descent = Descent::with(&problem, &Start::gaussian(1e-3, 5), &options).expect("a descent");
    descent.run(options.planned, |_: &Row| ControlFlow::Continue(()));
    let digest = descent.outcome(0).digest;
    let plane = descent.monitor().limit().map(|limit| limit.boundary_on(data.samples())).expect("a limit");
    (digest, plane, descent.iterate().weights().into_values(), data.digest())
}

#[test]
fn any_room_gives_the_bits_of_samples_in_memory() {
    for (n, d, label_noise) in [(20, 9001, 0.0), (24, 4096, 0.2), (130, 700, 0.0)] {
        let draw = Draw { n, balance: 0.5, label_noise, seed: 3 };
        let alone = Data::draw(mixture(d), &draw).expect("data");
        let expected = run(&alone);
        for bytes in [0.0, 16.0 * 5000.0 * n as f64] {
            let data = Data::draw_streamed(mixture(d), &draw, bytes, &Watch::default()).expect("data");
            assert!(matches!(data.samples(), X::Streamed(_)) && data.samples().whole().is_none());
            assert_eq!((data.lambda_max(), data.norms()), (alone.lambda_max(), alone.norms()));
            let found = run(&data);
            assert_eq!((found.0, found.3), (expected.0.clone(), expected.3.clone()), "{n} {d} {bytes}");
            assert!(found.2 == expected.2, "W: {n} {d} {bytes}");
            // λ is not refined by X in twice the precision: its w̄ is that of K
            let off = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs().max(1e-6);
            assert!(found.1.iter().zip(&expected.1).all(off), "w̄: {n} {d} {bytes}");
        }
    }
}

#[test]
fn steps_on_samples_that_nobody_holds_are_refused() {
    let draw = Draw { n: 20, balance: 0.5, label_noise: 0.0, seed: 3 };
    let data = Data::draw_streamed(mixture(300), &draw, 0.0, &Watch::default()).expect("data");
    let problem = Problem::new(&data, Network::new(4, 2, 0.1).expect("a network")).expect("a problem");
    let direct = Options { engine: EngineChoice::Direct, ..Options::default() };
    let start = Start::gaussian(1e-3, 5);
    assert!(matches!(Descent::with(&problem, &start, &direct), Err(Error::Options(_))));
    // few samples and few steps, for which steps on X would be chosen
    let few = Options { planned: 5.0, ..Options::default() };
    assert!(Descent::with(&problem, &start, &few).is_ok());
}
