//! The dual solver against an interior-point solver (Clarabel), scaled by the mean diagonal and taken
//! at its word only when it reports `Solved`.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus};
use farfield::data::Noise;
use farfield::limit::dual::{self, Outcome};
use farfield::matrix::Matrix;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// λ of `min ½λᵀHλ − 1ᵀλ, λ ≥ 0` by Clarabel.
fn oracle(h: &Matrix) -> Option<Vec<f64>> {
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
    let settings = DefaultSettings {
        verbose: false,
        tol_gap_abs: 1e-12,
        tol_gap_rel: 1e-12,
        tol_feas: 1e-12,
        ..DefaultSettings::default()
    };
    let mut solver =
        DefaultSolver::new(&p, &vec![-1.0; n], &a, &vec![0.0; n], &[NonnegativeConeT(n)], settings).ok()?;
    solver.solve();
    let lambda = solver.solution.x.iter().map(|l| l / mean).collect();
    (solver.solution.status == SolverStatus::Solved).then_some(lambda)
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

#[test]
fn margins_of_random_problems() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(20);
    let (mut compared, mut inseparable) = (0, 0);
    for round in 0..100 {
        let n = [5, 8, 13, 20, 33, 50, 70, 100, 150, 400][round % 10];
        // few dimensions (rank deficient), about n, and many; weak and strong signal; label noise
        let d = [n * 20, n, n / 5 + 2, n * 2, n / 2 + 1][round / 10 % 5].min(2000);
        let signal = [1.0, 3.0, 10.0][round % 3];
        let flips = if round % 4 == 0 { 0.1 } else { 0.0 };
        let h = problem(n, d, signal, [0.1, 0.5][round % 2], flips, &mut generator);
        let ours = match dual::solve(&h, None) {
            Outcome::Separable(ours) => ours,
            Outcome::NotSeparable(farkas) => {
                assert!(farkas.relative <= dual::INSEPARABLE);
                inseparable += 1;
                continue;
            }
            Outcome::Unresolved(best) => panic!("n {n}, d {d}: residual {}", best.kkt_residual),
        };
        let Some(theirs) = oracle(&h) else { continue };
        compared += 1;
        let margin = 1.0 / theirs.iter().sum::<f64>().sqrt();
        assert!((ours.max_margin / margin - 1.0).abs() <= 1e-10, "n {n}, d {d}: {} and {margin}", ours.max_margin);
        let residual = dual::kkt_residual(&h, &theirs);
        assert!(ours.kkt_residual <= residual, "n {n}, d {d}: {} and {residual}", ours.kkt_residual);
    }
    println!("{compared} compared, {inseparable} inseparable");
    assert!(compared >= 60, "{compared} compared, {inseparable} inseparable");
}
