//! The dual solver against an interior-point solver (Clarabel), scaled by the mean diagonal and taken
//! at its word only when it reports `Solved`; and limits in patterns of the ReLU, whose features may vanish.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus};
use farfield::data::Noise;
use farfield::inner_products::Gram;
use farfield::limit::dual::{self, Outcome};
use farfield::limit::{Limit, Prediction};
use farfield::matrix::Matrix;
use farfield::{Data, Network, Pattern};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What Clarabel says of `min ½λᵀHλ − 1ᵀλ, λ ≥ 0`.
enum Oracle {
    /// `Solved`: λ.
    Weights(Vec<f64>),
    /// `DualInfeasible`: the objective has no lower bound, so that no direction separates the rows.
    Unbounded,
}

/// Clarabel's answer to the least tolerance at which it has one; the largest still asks for a gap of 1e-10.
fn oracle(h: &Matrix) -> Option<Oracle> {
    let n = h.rows();
    let mean = (0..n).map(|i| h[(i, i)]).sum::<f64>() / n as f64;
    let (mut starts, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for c in 0..n {
        for r in 0..=c {
            indices.push(r);
            values.push(h[(r, c)] / mean);
        }
        starts.push(indices.len());
    }
    let p = CscMatrix::new(n, n, starts, indices, values);
    let a = CscMatrix::new(n, n, (0..=n).collect(), (0..n).collect(), vec![-1.0; n]); // −λ + slack = 0
    [1e-12, 1e-11, 1e-10].into_iter().find_map(|tolerance| {
        let settings = DefaultSettings {
            verbose: false,
            tol_gap_abs: tolerance,
            tol_gap_rel: tolerance,
            tol_feas: tolerance,
            ..DefaultSettings::default()
        };
        let cone = [NonnegativeConeT(n)];
        let mut solver = DefaultSolver::new(&p, &vec![-1.0; n], &a, &vec![0.0; n], &cone, settings).ok()?;
        solver.solve();
        match solver.solution.status {
            SolverStatus::Solved => Some(Oracle::Weights(solver.solution.x.iter().map(|l| l / mean).collect())),
            SolverStatus::DualInfeasible => Some(Oracle::Unbounded),
            _ => None,
        }
    })
}

/// `H_ik = y_i y_k K_ik (1/m) Σ g g` of n samples around `±signal` in d dimensions, both groups equal.
fn problem(n: usize, d: usize, signal: f64, leak: f64, flips: f64, generator: &mut Xoshiro256PlusPlus) -> Matrix {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..n {
        let clean = if generator.random::<f64>() < 0.5 { 1.0 } else { -1.0 };
        let mut row = vec![0.0; d];
        Noise::Gaussian.fill(generator, &mut row);
        row[0] += signal * clean;
        rows.push(row);
        labels.push(if generator.random::<f64>() < flips { -clean } else { clean });
    }
    let mut h = Matrix::zeros(n, n);
    for i in 0..n {
        for k in 0..=i {
            let inner = rows[i].iter().zip(&rows[k]).fold(0.0, |s, (a, b): (&f64, &f64)| a.mul_add(*b, s));
            let same = labels[i] == labels[k];
            let value = if same { inner * (1.0 + leak * leak) / 2.0 } else { -inner * leak };
            h[(i, k)] = value;
            h[(k, i)] = value;
        }
    }
    h
}

/// Dimensions for n samples, signal, leak and label noise: many dimensions, about n, fewer; weak and strong signal;
/// then so few that H is singular, and, in the last two, that no direction separates larger n.
fn regime(round: usize, n: usize) -> (usize, f64, f64, f64) {
    [
        (20 * n, 1.0, 0.1, 0.0),
        (20 * n, 3.0, 0.5, 0.1),
        (n, 1.0, 0.5, 0.0),
        (n, 10.0, 0.1, 0.1),
        (2 * n, 3.0, 0.1, 0.0),
        (n / 2 + 1, 3.0, 0.5, 0.0),
        (n / 4 + 2, 10.0, 0.1, 0.0),
        (n / 5 + 2, 3.0, 0.5, 0.0),
        (n / 5 + 2, 1.0, 0.1, 0.1),
        (n / 10 + 2, 1.0, 0.5, 0.2),
    ][round % 10]
}

#[test]
fn margins_of_random_problems() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(20);
    let mut inseparable = 0;
    for round in 0..100 {
        let n = [5, 8, 13, 20, 33, 50, 70, 100, 150, 400][round / 10];
        let (d, signal, leak, flips) = regime(round, n);
        let mut h = problem(n, d.min(2000), signal, leak, flips, &mut generator);
        if round % 20 == 5 {
            h = doubled(&h);
        }
        let name = format!("n = {n}, regime {}", round % 10);
        match (dual::solve(&h, None), oracle(&h)) {
            (Outcome::Separable(ours), Some(Oracle::Weights(theirs))) => {
                let margin = 1.0 / theirs.iter().sum::<f64>().sqrt();
                assert!((ours.max_margin / margin - 1.0).abs() <= 1e-10, "{name}: {} and {margin}", ours.max_margin);
                let residual = dual::kkt_residual(&h, &theirs);
                assert!(ours.kkt_residual <= residual, "{name}: {} and {residual}", ours.kkt_residual);
            }
            (Outcome::NotSeparable(farkas), Some(Oracle::Unbounded)) => {
                assert!(farkas.relative <= dual::INSEPARABLE, "{name}: {}", farkas.relative);
                inseparable += 1;
            }
            (ours, None) => panic!("{name}: no answer from Clarabel; {ours:?}"),
            (ours, Some(Oracle::Weights(_))) => panic!("{name}: Clarabel has a solution; {ours:?}"),
            (ours, Some(Oracle::Unbounded)) => panic!("{name}: unbounded for Clarabel; {ours:?}"),
        }
    }
    println!("{inseparable} inseparable");
    assert!((5..=20).contains(&inseparable), "{inseparable} inseparable");
}

/// Every row twice.
fn doubled(h: &Matrix) -> Matrix {
    let n = h.rows();
    Matrix::new(2 * n, 2 * n, (0..4 * n * n).map(|t| h[(t / (2 * n) % n, t % n)]).collect())
}

/// `H_ik = y_i y_k K_ik (1/m) |{j : both bits}|` of a pattern at leak 0.
fn relu(x: &Matrix, y: &[f64], bits: &[f64], m: usize) -> Matrix {
    let n = y.len();
    let overlap = |i: usize, k: usize| (0..m).map(|j| bits[i * m + j] * bits[k * m + j]).sum::<f64>() / m as f64;
    let inner =
        |i: usize, k: usize| x.row(i).iter().zip(x.row(k)).fold(0.0, |s, (a, b): (&f64, &f64)| a.mul_add(*b, s));
    Matrix::new(n, n, (0..n * n).map(|t| y[t / n] * y[t % n] * inner(t / n, t % n) * overlap(t / n, t % n)).collect())
}

/// Limits at leak 0 in patterns of any kind: bits drawn at random, some samples without any, some neurons, too.
#[test]
fn limits_in_patterns_of_the_relu() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(21);
    let (mut solved, mut dead, mut inseparable) = (0, 0, 0);
    for round in 0..120 {
        let (n, m) = ([4, 7, 12, 25, 40][round % 5], [1, 2, 3, 5, 8][round / 5 % 5]);
        let d = [2 * n, 10 * n, n / 6 + 1, n / 3 + 1][round / 25 % 4];
        let mut x = vec![0.0; n * d];
        Noise::Gaussian.fill(&mut generator, &mut x);
        let x = Matrix::new(n, d, x);
        let y: Vec<f64> = (0..n).map(|_| if generator.random::<bool>() { 1.0 } else { -1.0 }).collect();
        let density = [0.9, 0.6, 0.3][round % 3];
        let mut bits: Vec<f64> = (0..n * m).map(|_| f64::from(u8::from(generator.random::<f64>() < density))).collect();
        if round % 4 == 0 {
            (0..n).for_each(|i| bits[i * m] = 0.0); // a dead neuron
        }
        let network = Network::new(m, m / 2, 0.0).expect("a network");
        let data = Data::new(x.clone(), y.clone()).expect("samples");
        let k = Gram(farfield::gram::gram(&x));
        let found = Limit::of_pattern(&k, Some(data.samples()), &y, &network, &Pattern::of(&bits, n, m), None);
        let nothing = (0..n).find(|&i| bits[i * m..(i + 1) * m].iter().all(|bit| *bit == 0.0));
        let h = relu(&x, &y, &bits, m);
        match (found, nothing) {
            (Prediction::NotSeparable(proof), Some(_)) => {
                let carries: Vec<usize> = (0..n).filter(|&i| proof.farkas.lambda[i] > 0.0).collect();
                assert_eq!(proof.farkas.relative, 0.0, "{round}");
                assert!(carries.iter().all(|&i| h[(i, i)] == 0.0) && carries.len() == 1, "{round}: {carries:?}");
                dead += 1;
            }
            (Prediction::NotSeparable(_), None) => {
                assert!(matches!(oracle(&h), Some(Oracle::Unbounded)), "{round}");
                inseparable += 1;
            }
            (Prediction::Limit(limit), None) => {
                let Some(Oracle::Weights(theirs)) = oracle(&h) else { panic!("{round}: no solution for Clarabel") };
                let margin = 1.0 / theirs.iter().sum::<f64>().sqrt();
                assert!((limit.max_margin / margin - 1.0).abs() <= 1e-10, "{round}: {} {margin}", limit.max_margin);
                let weights = limit.weights(&x);
                for j in (0..m).filter(|&j| (0..n).all(|i| bits[i * m + j] == 0.0)) {
                    assert!(weights.row(j).iter().all(|w| *w == 0.0), "{round}: neuron {j}");
                }
                solved += 1;
            }
            (found, nothing) => panic!("{round}: {found:?} with {nothing:?}"),
        }
    }
    println!("{solved} solved, {dead} with dead samples, {inseparable} inseparable");
    assert!(solved >= 30 && dead >= 20 && inseparable >= 5, "{solved} {dead} {inseparable}");
}
