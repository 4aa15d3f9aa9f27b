//! Test errors far below what sampling sees lie between their bounds: against direct integration, exact counts of signs,
//! and sampling where it sees something.

use farfield::data::random::{Purpose, generator};
use farfield::limit::monte_carlo;
use farfield::limit::tail::{Bounds, beyond, beyond_watched, of_boundary};
use farfield::{Mixture, Noise, Sampling, Stop, Watch};
use num_bigint::BigUint;

/// Asserts that the bounds hold `log10` and are no farther apart than this, relatively. The integrals are sums of positive terms in doubles, each
/// a few units off, and log10 is rounded: 1e-13 of 1 and of log10.
fn holds(found: Bounds, log10: f64, width: f64, what: &str) {
    let slack = 1e-13 * (1.0 + log10.abs());
    assert!(found.low.log10 <= log10 + slack && log10 - slack <= found.high.log10, "{what}: {log10}, {found:?}");
    assert!(found.width() <= width, "{what}: {:e}, {found:?}", found.width());
}

/// tests/vectors/tails.py: student-t, laplace and uniform, one to sixteen variables, from 1e-1 to 1e-30.
#[test]
fn against_direct_integration() {
    let rows: Vec<serde_json::Value> = serde_json::from_str(include_str!("vectors/tails.json")).unwrap();
    let mut least = [0.0f64; 3];
    for row in &rows {
        let weights: Vec<f64> = row["weights"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let (x, log10) = (row["x"].as_f64().unwrap(), row["log10"].as_str().unwrap().parse::<f64>().unwrap());
        let (noise, which) = match row["law"].as_str().unwrap() {
            "student-t" => (Noise::StudentT { dof: 3.0 }, 0),
            "laplace" => (Noise::Laplace, 1),
            _ => (Noise::Uniform, 2),
        };
        least[which] = least[which].min(log10);
        let found = beyond(weights, x, 0.0, noise).unwrap_or_else(|| panic!("no bounds: {row}"));
        holds(found, log10, 1e-6, &row.to_string());
    }
    assert!(least[0] < -29.9 && least[1] < -29.9 && least[2] < -21.0, "{least:?}");
}

/// `P(Σ a_k ε_k ≥ x)` for whole a_k, by the number of signs with each sum.
fn counted(weights: &[usize], x: f64) -> f64 {
    let total: usize = weights.iter().sum();
    // ways to choose a set whose weights sum to s: the sum of all is 2s − total
    let mut ways = vec![BigUint::from(0u32); total + 1];
    ways[0] = BigUint::from(1u32);
    for a in weights {
        for s in (*a..=total).rev() {
            let more = ways[s - a].clone();
            ways[s] += more;
        }
    }
    let count: BigUint = (0..=total).filter(|s| 2.0 * *s as f64 - total as f64 >= x).map(|s| ways[s].clone()).sum();
    let digits = count.to_string();
    let lead: f64 = digits[..digits.len().min(17)].parse().unwrap();
    lead.log10() + digits.len().saturating_sub(17) as f64 - weights.len() as f64 * 2f64.log10()
}

/// Few signs, all of them: exact. Many: within 0.4 % (δs = 10⁻³ on either side, and what the tilt varies over 2δ), down to 1e-30 and
/// where only one sign pattern is left.
#[test]
fn signs_against_exact_counts() {
    let few = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
    for x in [0.5, 7.5, 20.5, 35.5, 43.5] {
        let log10 = counted(&few, x);
        holds(beyond(few.iter().map(|a| *a as f64).collect(), x, 0.0, Noise::Rademacher).unwrap(), log10, 1e-12, "few");
    }
    for (d, most, xs) in [(24, 9, [20.0, 50.0, 90.0]), (150, 30, [300.0, 900.0, 2000.0])] {
        let many: Vec<usize> = (0..d).map(|k| 1 + (k * 7) % most).collect();
        for x in xs {
            // sums are whole: halfway between two there is no atom
            let (x, weights) = (x + 0.5, many.iter().map(|a| *a as f64).collect());
            let log10 = counted(&many, x);
            holds(beyond(weights, x, 0.0, Noise::Rademacher).unwrap(), log10, 4e-3, &format!("{d} signs at {x}"));
        }
    }
    let none = beyond(vec![1.0; 30], 30.5, 0.0, Noise::Rademacher).unwrap();
    assert_eq!((none.low.value, none.high.value), (0.0, 0.0));
}

/// 50 dimensions, a spectrum, errors of 1e-2 to 1e-3: the bounds lie within three half-widths of the 95 % interval of
/// 50 000 points, some six standard errors.
#[test]
fn against_sampling() {
    let d = 50;
    let boundary: Vec<f64> = (0..d).map(|k| 1.0 + (k as f64 * 0.7).sin()).collect();
    let spectrum: Vec<f64> = (1..=d).map(|k| (k as f64).powf(-0.3)).collect();
    for noise in [Noise::Rademacher, Noise::Uniform, Noise::Laplace, Noise::StudentT { dof: 3.0 }] {
        for signal in [1.7, 2.2] {
            let mixture = Mixture::new(signal, spectrum.clone(), noise);
            let bounds = of_boundary(&boundary, &mixture).unwrap();
            let sampling = Sampling { points: Some(50_000), ..Sampling::default() };
            let draws = |batch| generator(5, Purpose::Test, batch, 0);
            let sampled = monte_carlo::of_boundary(&boundary, &mixture, &sampling, draws).unwrap();
            let (low, high) = (bounds.low.value, bounds.high.value);
            let reach = 3.0 * (sampled.high - sampled.low) / 2.0;
            assert!((3e-4..5e-2).contains(&low), "{noise:?}: seen by sampling: {bounds:?}");
            assert!(
                (sampled.value - low).abs() < reach && (sampled.value - high).abs() < reach,
                "{noise:?} {bounds:?} {sampled:?}"
            );
            // the other way round: 1 − P
            let turned: Vec<f64> = boundary.iter().map(|w| -w).collect();
            let other = of_boundary(&turned, &mixture).unwrap();
            assert!((other.low.value + high - 1.0).abs() < 1e-12 && (other.high.value + low - 1.0).abs() < 1e-12);
        }
    }
}

/// Lengths in other units, tiny weights beside large ones, and the edge of a bounded law change nothing that they should not.
#[test]
fn invariances_and_edges() {
    for noise in [Noise::Rademacher, Noise::Uniform, Noise::Laplace, Noise::StudentT { dof: 3.0 }] {
        let weights: Vec<f64> = (0..30).map(|k| 1.0 + (k as f64).cos().abs()).collect();
        let plain = beyond(weights.clone(), 20.0, 0.0, noise).unwrap();
        let scaled =
            beyond(weights.iter().map(|a| a * 2f64.powi(60)).collect(), 20.0 * 2f64.powi(60), 0.0, noise).unwrap();
        assert_eq!(plain, scaled, "{noise:?}");
        // an error of x opens the bounds
        let open = beyond(weights.clone(), 20.0, 1e-3, noise).unwrap();
        assert!(open.low.value < plain.low.value && open.high.value > plain.high.value, "{noise:?}");
        let half = beyond(weights, 0.0, 0.0, noise).unwrap();
        assert!(half.low.value <= 0.5 && half.high.value >= 0.5, "{noise:?}: {half:?}");
    }
    assert_eq!(beyond(vec![0.0; 4], 1.0, 0.0, Noise::Laplace), None);
    assert_eq!(beyond(vec![1.0; 4], 1.0, 0.0, Noise::StudentT { dof: 4.0 }), None);
    let end = beyond(vec![1.0, 2.0], 3.0001 * 3f64.sqrt(), 0.0, Noise::Uniform).unwrap();
    assert_eq!((end.low.value, end.high.value), (0.0, 0.0));
}

/// More threads give the same bits.
#[test]
fn threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let weights: Vec<f64> = (0..200).map(|k| 1.0 + (k as f64).sin()).collect();
        [Noise::Rademacher, Noise::Uniform, Noise::Laplace, Noise::StudentT { dof: 3.0 }]
            .map(|noise| pool.install(|| beyond(weights.clone(), 60.0, 0.0, noise)))
    };
    assert_eq!(run(1), run(3));
}

/// A million signs of different weights: in a fraction of the time that it takes, a sum that is asked to end says nothing; the bounds hold the
/// normal law up to Berry and Esseen's 0.56 Σa³/(Σa²)^{3/2} where that is all there is to say.
#[test]
fn a_sum_that_is_stopped() {
    let mut weights = vec![0.0; 1_000_000];
    Noise::Gaussian.fill(&mut generator(5, Purpose::Test, 0, 0), &mut weights);
    weights.iter_mut().for_each(|w| *w = w.abs());
    let length = weights.iter().map(|a| a * a).sum::<f64>().sqrt();
    let cubes = weights.iter().map(|a| a.powi(3)).sum::<f64>() / length.powi(3);
    let begun = std::time::Instant::now();
    let found = beyond_watched(weights.clone(), 2.0 * length, 0.0, Noise::Rademacher, &Watch::default()).unwrap();
    let whole = begun.elapsed();
    let normal = 0.5 * libm::erfc(2f64.sqrt());
    assert!(
        (found.low.value - normal).abs().max((found.high.value - normal).abs()) < 0.56 * cubes + 2e-3 * normal,
        "{found:?}"
    );
    let stop = Stop::default();
    stop.raise();
    for noise in [Noise::Rademacher, Noise::Laplace, Noise::Uniform, Noise::StudentT { dof: 3.0 }] {
        let begun = std::time::Instant::now();
        assert_eq!(beyond_watched(weights.clone(), 2.0 * length, 0.0, noise, &Watch::new(&stop)), None, "{noise:?}");
        // sorting and one pass over the weights remain
        assert!(begun.elapsed() < whole.max(std::time::Duration::from_secs(1)), "{noise:?}");
    }
}

/// With a first sign as long as all the others the weights of these are small and enter by their power sums; without it most do not. The bounds
/// of the whole and those from both values of the first sign, `P(aε + S ≥ x) = ½P(S ≥ x − a) + ½P(S ≥ x + a)`, overlap and are 1 % wide.
#[test]
fn many_small_signs() {
    let mut weights = vec![0.0; 14_000];
    Noise::Uniform.fill(&mut generator(6, Purpose::Test, 0, 0), &mut weights);
    weights.iter_mut().for_each(|w| *w = 1.0 + 0.2 * *w);
    let first = weights.iter().map(|a| a * a).sum::<f64>().sqrt();
    let with: Vec<f64> = weights.iter().copied().chain([first]).collect();
    for x in [1.5, 3.0, 6.0] {
        let whole = beyond(with.clone(), x * first, 0.0, Noise::Rademacher).unwrap();
        let parts = [x - 1.0, x + 1.0].map(|x| beyond(weights.clone(), x * first, 0.0, Noise::Rademacher).unwrap());
        let low = 0.5 * (parts[0].low.value + parts[1].low.value);
        let high = 0.5 * (parts[0].high.value + parts[1].high.value);
        assert!(whole.low.value <= high && low <= whole.high.value, "{x}: {low} {high} {whole:?}");
        assert!(whole.width() < 0.01 && high / low < 1.01, "{x}: {low} {high} {whole:?}");
    }
}

/// Where one variable decides: student-t with 3 + 10⁻¹² degrees of freedom by jumps, with 3 by its characteristic function. The bounds of the one
/// hold those of the other, for equal and unequal weights, and come within a quarter of each other from errors of 1e-9 on.
#[test]
fn jumps_against_the_characteristic_function() {
    let mut seen = 0;
    for d in [10usize, 5000] {
        for unequal in [0.0, 0.9] {
            let weights: Vec<f64> = (0..d).map(|k| 1.0 + unequal * (k as f64).sin()).collect();
            let length = weights.iter().map(|a| a * a).sum::<f64>().sqrt();
            for x in [5.0, 10.0, 20.0, 40.0, 200.0, 1e4] {
                let exact = beyond(weights.clone(), x * length, 0.0, Noise::StudentT { dof: 3.0 }).unwrap();
                let Some(found) = beyond(weights.clone(), x * length, 0.0, Noise::StudentT { dof: 3.0 + 1e-12 }) else {
                    assert!(x < 40.0, "{d} {unequal} {x}: {exact:?}");
                    continue;
                };
                assert!(
                    found.low.value < exact.low.value && exact.high.value < found.high.value,
                    "{d} {x} {exact:?} {found:?}"
                );
                assert!(found.width() < 0.25 || x < 200.0, "{d} {unequal} {x}: {found:?}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 14, "{seen}");
}

/// Two variables, by the integral `P = ½∫ [G((x − a z)/b) over z] of their densities, written as a sum over steps of G: between the sums with the
/// ends of each step on either side.
#[test]
fn jumps_of_two_variables() {
    type Tail = Box<dyn Fn(f64) -> f64>;
    let pareto = |index: f64, scale: f64| -> Tail { Box::new(move |y: f64| 0.5 * (1.0 + y / scale).powf(-index)) };
    // c = 1 for R = 3; c = Γ(11)^{−½} for A = 1/5
    let root = 3_628_800f64.sqrt();
    let weibull: Tail = Box::new(move |y: f64| 0.5 * (-(y * root).powf(0.2)).exp());
    let cases: [(Noise, Tail, [f64; 2]); 2] = [
        (Noise::Pareto { index: 3.0 }, pareto(3.0, 1.0), [40.0, 300.0]),
        (Noise::Weibull { shape: 0.2 }, weibull, [40.0, 300.0]),
    ];
    for (noise, tail, xs) in cases {
        let above = |y: f64| if y >= 0.0 { tail(y) } else { 1.0 - tail(-y) };
        for x in xs {
            let (a, b) = (0.8, 0.6);
            let found = beyond(vec![a, b], x, 0.0, noise).unwrap();
            // P(aξ + bη ≥ x) over steps of ξ, far beyond x on either side
            let (count, reach) = (400_000, 8.0 * x);
            let at = |i: usize| -reach + 2.0 * reach * i as f64 / count as f64;
            let (mut low, mut high) = (0.0, above(reach / a));
            for i in 0..count {
                let mass = above(at(i) / a) - above(at(i + 1) / a);
                low += mass * above((x - at(i)) / b);
                high += mass * above((x - at(i + 1)) / b);
            }
            assert!(high / low < 1.01, "{low} {high}");
            assert!(found.low.value <= high && low <= found.high.value, "{noise:?} {x}: {low} {high} {found:?}");
        }
    }
}
