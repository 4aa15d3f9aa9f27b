//! The four clusters of an xor: their means, their shares, and the errors of planes, of networks and of the best rule.

use farfield::data::random::{Purpose, generator};
use farfield::limit::{monte_carlo, test_error};
use farfield::{
    Certificate, Data, Descent, Draw, Error, LimitOutcome, Matrix, Mixture, Network, Noise, Problem, Sampling, Start,
};
use std::ops::ControlFlow::Continue;

fn draw(n: usize, seed: u64) -> Draw {
    Draw { n, balance: 0.5, label_noise: 0.0, seed }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Orthogonal, as long as they should be, and without a preferred eigenvector: for even and odd d, and turned.
#[test]
fn means() {
    for (d, turned) in [(2, false), (3, false), (400, false), (401, false), (401, true)] {
        let spectrum: Vec<f64> = (1..=d).map(|k| 1.0 / k as f64).collect();
        let of = |seed| match turned {
            true => Mixture::rotated_xor(3.0, spectrum.clone(), Noise::Laplace, seed),
            false => Mixture::xor(3.0, spectrum.clone(), Noise::Laplace),
        };
        let m = of(1);
        let (one, two) = (&m.mean, m.second.as_ref().unwrap());
        // d roundings of sums of squares that are 9
        let error = d as f64 * f64::EPSILON * 9.0;
        assert!(dot(one, two).abs() <= error, "{d}: {}", dot(one, two));
        assert!((dot(one, one) - 9.0).abs() <= 2.0 * error && (dot(two, two) - 9.0).abs() <= 2.0 * error, "{d}");
        if turned {
            assert_eq!(m.mean, Mixture::rotated(3.0, spectrum.clone(), Noise::Laplace, 1).mean);
            assert_ne!(m.second, of(2).second);
        }
    }
}

/// Samples less their noise, which is that of the mixture of two clusters with the same seed, are one of ±μ for class +1 and one of
/// ±μ₂ for class −1, each in a quarter of the samples up to six standard errors.
#[test]
fn centres_and_noise() {
    let (n, d, spectrum) = (4000, 7, (1..=7).map(f64::from).collect::<Vec<f64>>());
    let xor = Mixture::xor(2.0, spectrum.clone(), Noise::Gaussian);
    let (data, two) = (
        Data::draw(xor.clone(), &draw(n, 3)).unwrap(),
        Data::draw(Mixture::new(2.0, spectrum, Noise::Gaussian), &draw(n, 3)).unwrap(),
    );
    assert_eq!(data.y(), two.y());
    let mut counts = [[0usize; 2]; 2];
    for (i, y) in data.y().iter().enumerate() {
        let centre = |k: usize| data.x()[(i, k)] - (two.x()[(i, k)] - y * xor.mean[k]);
        let expected = if *y > 0.0 { &xor.mean } else { xor.second.as_ref().unwrap() };
        let sign = (0..d).map(|k| centre(k) * expected[k]).sum::<f64>().signum();
        // three roundings of numbers below 16
        assert!((0..d).all(|k| (centre(k) - sign * expected[k]).abs() <= 48.0 * f64::EPSILON), "sample {i}");
        counts[usize::from(*y > 0.0)][usize::from(sign > 0.0)] += 1;
    }
    let spread = 6.0 * (n as f64 * 0.25 * 0.75).sqrt();
    assert!(counts.iter().flatten().all(|c| (*c as f64 - 0.25 * n as f64).abs() < spread), "{counts:?}");
}

/// Samples that are drawn anew and in slabs of columns are the same; a larger n adds samples and changes none.
#[test]
fn streams() {
    let mixture = Mixture::xor(2.0, vec![1.0; 5000], Noise::Uniform);
    let (whole, more) =
        (Data::draw(mixture.clone(), &draw(6, 1)).unwrap(), Data::draw(mixture.clone(), &draw(9, 1)).unwrap());
    assert!((0..6).all(|i| whole.x().row(i) == more.x().row(i)));
    let again = Data::draw_streamed(mixture, &draw(6, 1), 1e6, &farfield::Watch::default()).unwrap();
    assert_eq!(again.digest(), whole.digest());
    assert_eq!(again.gram().unwrap().0.values(), whole.gram().unwrap().0.values());
}

/// A plane errs on one half, in closed form and by sampling; the best rule, |⟨μ,x⟩| against |⟨μ₂,x⟩| as a network of four ReLUs,
/// on 2q(1 − q) of samples.
#[test]
fn errors_of_planes_and_of_the_best_rule() {
    let mixture = Mixture::xor(3.0, vec![2.0; 6], Noise::Gaussian);
    let sampling = Sampling { points: Some(50_000), ..Sampling::default() };
    let draws = |batch| generator(8, Purpose::Test, batch, 0);
    let plane = [1.0, 2.0, 3.0, -1.0, 0.5, 0.2];
    assert_eq!(test_error::of_boundary(&plane, &mixture).value, 0.5);
    for noise in [Noise::Gaussian, Noise::Laplace] {
        let sampled =
            monte_carlo::of_boundary(&plane, &Mixture { noise, ..mixture.clone() }, &sampling, draws).unwrap();
        assert!(sampled.low < 0.5 && 0.5 < sampled.high, "{noise:?} {sampled:?}");
    }
    let second = mixture.second.clone().unwrap();
    let rows = [
        mixture.mean.clone(),
        mixture.mean.iter().map(|v| -v).collect(),
        second.clone(),
        second.iter().map(|v| -v).collect(),
    ];
    let (w, network) = (Matrix::new(4, 6, rows.concat()), Network::new(4, 2, 0.0).unwrap());
    let best = test_error::bayes(&mixture).unwrap();
    let q = 0.5 * libm::erfc(3.0 / 2f64.sqrt() / 2f64.sqrt() / 2f64.sqrt());
    assert!(
        (best.value - 2.0 * q * (1.0 - q)).abs() < 1e-15 && (best.log10 - best.value.log10()).abs() < 1e-14,
        "{best:?}"
    );
    let sampled = monte_carlo::of_network(&w, &network, &mixture, &sampling, draws).unwrap();
    let reach = 3.0 * (sampled.high - sampled.low) / 2.0;
    assert!((sampled.value - best.value).abs() < reach && best.value < 0.2, "{best:?} {sampled:?}");
    assert_eq!(test_error::bayes(&Mixture::xor(3.0, vec![1.0, 2.0], Noise::Gaussian)), None);
}

/// GD to 10⁶ with a leak: every pair is activated, the limit is a plane with error ½, and the certificate is not below the truth.
#[test]
fn the_limit_is_a_plane() {
    let data = Data::draw(Mixture::xor(8.0, vec![1.0; 2000], Noise::Gaussian), &draw(40, 0)).unwrap();
    let problem = Problem::new(&data, Network::balanced(8, 0.1).unwrap()).unwrap();
    let start = Start::gaussian(1e-6, 0);
    let (limit, _) = LimitOutcome::of(&problem, &start, None, 0).unwrap();
    let error = limit.test_error.unwrap();
    assert!(limit.limit_consistent && error.xor && error.predicted.is_none() && error.bounded.is_none());
    assert_eq!((error.limit, error.sampled), (Some(0.5), None));
    let mut descent = Descent::new(&problem, &start);
    let descent = descent.as_mut().unwrap();
    let ended = descent.run(1e6, |_| Continue(()));
    let (gap, certified) = (ended.row.cosine_gap.unwrap(), ended.row.certified_cosine_gap.unwrap());
    assert!(gap <= certified && certified < 0.1, "{gap} {certified}");
    let own = Certificate::of_weights(&problem, descent.iterate().weights()).unwrap().unwrap();
    assert!(gap <= own.cosine_gap, "{gap} {own:?}");
}

#[test]
fn what_it_has_not() {
    let data = Data::draw(Mixture::xor(2.0, vec![1.0; 30], Noise::Gaussian), &draw(10, 0)).unwrap();
    assert!(matches!(data.with_smallest_margins_flipped(0.1), Err(Error::Range { .. })));
}
