//! `Certificate` says of any W, whoever found it, what the monitor says of an engine's iterate, and never less
//! than the true gap to the limit of its pattern.

use farfield::{Certificate, Data, Descent, Draw, Error, Matrix, Mixture, Network, Noise, Problem, Start};
use std::ops::ControlFlow::Continue;

fn problem(seed: u64, signal: f64) -> Problem {
    let mixture = Mixture::new(signal, vec![1.0; 60], Noise::Gaussian);
    let draw = Draw { n: 12, balance: 0.5, label_noise: 0.0, seed };
    let data = Data::draw(mixture, &draw).expect("data");
    Problem::new(&data, Network::balanced(4, 0.2).expect("a network")).expect("a problem")
}

#[test]
fn a_run_and_its_weights_have_the_same_certificate() {
    for seed in 0..5 {
        let p = problem(seed, 4.0);
        let mut descent = Descent::new(&p, &Start::gaussian(1e-3, seed)).expect("a descent");
        let row = descent.run(1e8, |_| Continue(())).row.clone();
        let monitor = row.certified_cosine_gap.expect("a certificate");
        let iterate = Certificate::of(&p, descent.iterate()).expect("a certificate");
        assert_eq!((iterate.cosine_gap, iterate.min_margin), (monitor, row.min_margin), "seed {seed}");
        assert_eq!(Some(iterate.angle()), row.certified_angle());

        // W read back from arrays: other roundings, the same statement
        let w = descent.iterate().weights();
        let own = Certificate::of_weights(&p, w.clone()).expect("shapes fit").expect("a certificate");
        let allowance = 4.0 * (own.rounding + iterate.rounding) + 1e-9 * monitor;
        assert!((own.cosine_gap - monitor).abs() <= allowance, "{own:?} {iterate:?}");
        let limit = descent.monitor().limit().expect("a limit").clone();
        let v = limit.weights(p.data.x());
        let dot = |a: &Matrix, b: &Matrix| a.values().iter().zip(b.values()).map(|(a, b)| a * b).sum::<f64>();
        let gap = 1.0 - dot(&w, &v) / (w.norm() * v.norm());
        assert!(gap <= own.cosine_gap + 1e-14, "{gap:e} {:e}", own.cosine_gap);
        assert!(limit.max_margin <= own.margin_bound * (1.0 + 1e-12));
        assert!((own.weights.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        // the length of W does not matter to its direction, but to the weights of the bound
        let short = Matrix::new(4, 60, w.values().iter().map(|w| 1e-3 * w).collect());
        assert!(Certificate::of_weights(&p, short).expect("shapes fit").is_some_and(|c| c.cosine_gap >= gap));
    }
}

#[test]
fn what_cannot_be_certified_is_none_or_an_error() {
    let p = problem(0, 4.0);
    assert_eq!(Certificate::of_weights(&p, Matrix::zeros(4, 60)), Ok(None));
    let error = Certificate::of_weights(&p, Matrix::zeros(60, 4)).unwrap_err();
    assert_eq!(error.to_string(), "W is 60 x 4, expected width x d = 4 x 60");
    let mut bad = vec![1.0; 240];
    bad[3] = f64::NAN;
    assert!(matches!(Certificate::of_weights(&p, Matrix::new(4, 60, bad)), Err(Error::NotFinite { .. })));
}
