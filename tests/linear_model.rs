//! Leak 1 is the linear model: one pattern, nothing flips, and the limit is the support vector machine through the origin.
//!
//! That machine is solved here from X alone, by single exchanges, and its answer is proved here as well: with
//! `v = Σ λ_i y_i x_i`, λ ≥ 0, all `y_i⟨x_i,v⟩ ≥ 1` and `Σ λ_i (y_i⟨x_i,v⟩ − 1) = 0` no shorter v has these margins. The network's
//! limit is `w_j = a_j v`.

mod problems;

use farfield::limit::{Limit, Prediction};
use farfield::{
    CertifiedFor, Data, Descent, EngineChoice, Loss, Matrix, Network, Noise, Options, Pattern, PatternState, Problem,
    Row, Start,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::ops::ControlFlow::Continue;

/// Residual of λ as it is solved here: few samples, two refinements.
const SOLVED: f64 = 1e-10;

/// Data set k: samples about `±signal e_1`, some with flipped labels; more dimensions than samples, or fewer and far apart.
fn data(k: u64) -> (Matrix, Vec<f64>) {
    let (n, d, signal, flipped) = [
        (5, 30, 1.0, 0.0),
        (8, 8, 3.0, 0.0),
        (12, 200, 0.5, 0.0),
        (20, 60, 2.0, 0.2),
        (30, 400, 6.0, 0.1),
        (40, 90, 1.0, 0.3),
        (15, 4, 9.0, 0.0),
        (25, 6, 12.0, 0.0),
        (2, 3, 0.0, 0.0),
        (60, 300, 3.0, 0.1),
    ][k as usize];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(k + 1);
    let (mut rows, mut y) = (Vec::new(), Vec::new());
    for i in 0..n {
        let clean = if i % 2 == 0 { 1.0 } else { -1.0 };
        let mut row = vec![0.0; d];
        Noise::Gaussian.fill(&mut random, &mut row);
        row[0] += signal * clean;
        rows.extend(row);
        y.push(if random.random::<f64>() < flipped { -clean } else { clean });
    }
    (Matrix::new(n, d, rows), y)
}

/// λ of the support vector machine through the origin, and v.
fn machine(x: &Matrix, y: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = y.len();
    let k = problems::product(x, x);
    let h = Matrix::new(n, n, (0..n * n).map(|t| y[t / n] * y[t % n] * k[t]).collect());
    // few dimensions: from no support, one at a time
    let lambda = if x.cols() >= n { problems::dual(&h) } else { by_vertices(&h, x.cols()) };
    let mut v = vec![0.0; x.cols()];
    for i in 0..n {
        v.iter_mut().zip(x.row(i)).for_each(|(v, x)| *v += lambda[i] * y[i] * x);
    }
    for i in 0..n {
        let margin = y[i] * problems::dot(x.row(i), &v);
        assert!(lambda[i] >= 0.0 && margin >= 1.0 - SOLVED, "sample {i} has the margin {margin}");
        assert!(lambda[i] == 0.0 || margin <= 1.0 + SOLVED, "sample {i} supports at {margin}");
    }
    (lambda, v)
}

/// The same by all supports of at most d samples, the shortest first: for few samples.
fn by_vertices(h: &Matrix, d: usize) -> Vec<f64> {
    let n = h.rows();
    let margins = |lambda: &[f64]| (0..n).map(|i| problems::dot(h.row(i), lambda)).fold(f64::INFINITY, f64::min);
    for size in 1..=d {
        let mut support: Vec<usize> = (0..size).collect();
        loop {
            let lambda = problems::solve(h, &support);
            if lambda.iter().all(|l| *l >= 0.0) && margins(&lambda) >= 1.0 - SOLVED {
                return lambda;
            }
            // the next subset in lexicographic order
            let Some(k) = (0..size).rev().find(|&k| support[k] < n - size + k) else { break };
            support[k] += 1;
            (k + 1..size).for_each(|l| support[l] = support[l - 1] + 1);
        }
    }
    panic!("no support of {d} samples or fewer");
}

fn problem(k: u64, loss: Loss) -> (Problem, Vec<f64>, Vec<f64>) {
    let (x, y) = data(k);
    let (lambda, v) = machine(&x, &y);
    let network = Network::new(1 + k as usize % 5, k as usize % 2, 1.0).expect("a network");
    let data = Data::new(x, y).expect("samples");
    (Problem::new(&data, network).expect("a problem").with_loss(loss), lambda, v)
}

/// `1 − cos` of two vectors, from the difference of their directions.
fn gap(a: &[f64], b: &[f64]) -> f64 {
    let length = |v: &[f64]| problems::dot(v, v).sqrt();
    let (a_length, b_length) = (length(a), length(b));
    0.5 * a.iter().zip(b).map(|(a, b)| (a / a_length - b / b_length).powi(2)).sum::<f64>()
}

/// `(a_j v)_j`, row-major.
fn of_neurons(network: &Network, v: &[f64]) -> Vec<f64> {
    (0..network.width).flat_map(|j| v.iter().map(move |v| network.output(j) * v)).collect()
}

#[test]
fn the_limit_is_the_support_vector_machine() {
    for k in 0..10 {
        let (problem, lambda, v) = problem(k, Loss::Exponential);
        let (data, network) = (&problem.data, &problem.network);
        let gram = data.gram().expect("K");
        // every pattern is the same
        let bits = |bit: &dyn Fn(usize) -> bool| {
            let z: Vec<f64> = (0..data.n() * network.width).map(|at| f64::from(u8::from(bit(at)))).collect();
            Pattern::of(&z, data.n(), network.width)
        };
        for pattern in [bits(&|_| true), bits(&|_| false), bits(&|at| at % 3 == 0)] {
            let found = Limit::of_pattern(gram, Some(data.samples()), data.y(), network, &pattern, None);
            let Prediction::Limit(limit) = found else { panic!("{k}: {found:?}") };
            assert!(limit.consistent() && limit.linear(network), "{k}");
            let margin = 1.0 / problems::dot(&v, &v).sqrt();
            assert!((limit.max_margin / margin - 1.0).abs() <= 10.0 * SOLVED, "{k}: {} {margin}", limit.max_margin);
            let top = lambda.iter().copied().fold(0.0, f64::max);
            let off = limit.lambda.iter().zip(&lambda).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off <= 1e-7 * top, "{k}: {off:e} of {top:e}");
            assert!(gap(limit.weights(data.x()).values(), &of_neurons(network, &v)) <= 1e-13, "{k}");
            assert!(gap(&limit.boundary(data.x()), &v) <= 1e-13, "{k}");
        }
    }
}

/// Runs to 10¹², from a W(0) whose sides are all over the place.
#[test]
fn runs_go_there_and_nothing_flips() {
    for k in 0..10 {
        let loss = if k % 2 == 0 { Loss::Exponential } else { Loss::Logistic };
        let (problem, _, v) = problem(k, loss);
        let options = Options { planned: 1e12, ..Options::default() };
        let mut descent = Descent::with(&problem, &Start::gaussian(0.02, k), &options).expect("a descent");
        let mut rows: Vec<Row> = Vec::new();
        descent.run(1e12, |row| {
            rows.push(row.clone());
            Continue(())
        });
        let goal = of_neurons(&problem.network, &v);
        let last = rows.last().expect("rows");
        let exact = gap(descent.iterate().weights().values(), &goal);
        let known = last.cosine_gap.expect("a limit");
        assert!((known / exact - 1.0).abs() < 1e-5, "{k}: {known:e}, and here {exact:e}");
        for row in &rows {
            assert_eq!(row.flips.count, 0, "{k}");
            assert_eq!(row.ties, 0, "{k}");
            assert_eq!(descent.monitor().pattern_state(row), PatternState::Proved, "{k}");
            if let (Some(certified), Some(gap)) = (row.certified_cosine_gap, row.cosine_gap) {
                assert!(certified >= gap, "{k}, t = {}: {certified:e} below {gap:e}", row.t);
                assert_eq!(
                    (row.certified_for, row.final_until),
                    (Some(CertifiedFor::Proved), Some(f64::INFINITY)),
                    "{k}"
                );
            }
        }
        let gaps: Vec<f64> = rows.iter().filter(|row| row.t >= 1e4).filter_map(|row| row.dual_gap).collect();
        assert!(gaps.len() > 30 && gaps.windows(2).all(|pair| pair[1] < pair[0] || pair[1] < 1e-9), "{k}: {gaps:?}");
        assert!(descent.outcome(0).pattern.sliding.is_empty(), "{k}");
    }
}

/// The engines, and the plain step as one reads it: they differ by the rounding of 400 steps.
#[test]
fn engines_agree() {
    for k in 0..10 {
        let loss = if k % 2 == 0 { Loss::Exponential } else { Loss::Logistic };
        let (problem, ..) = problem(k, loss);
        let start = Start::gaussian(0.02, k);
        let (data, network) = (&problem.data, problem.network);
        let (x, y) = (data.x(), data.y());
        let mut w = Matrix::clone(&start.matrix(&problem).expect("W(0)"));
        let steps = 400.0;
        let margins = |w: &Matrix| -> Vec<f64> {
            let output =
                |i: usize| (0..network.width).map(move |j| network.output(j) * problems::dot(x.row(i), w.row(j)));
            (0..y.len()).map(|i| y[i] * output(i).sum::<f64>()).collect()
        };
        for _ in 0..steps as usize {
            let pull: Vec<f64> = margins(&w)
                .iter()
                .map(|q| problem.rate() * if loss.bounded() { 1.0 / (1.0 + q.exp()) } else { (-q).exp() })
                .collect();
            for j in 0..network.width {
                for i in 0..y.len() {
                    let s = pull[i] * y[i] * network.output(j);
                    w.row_mut(j).iter_mut().zip(x.row(i)).for_each(|(w, x)| *w += s * x);
                }
            }
        }
        let exact = margins(&w);
        let top = exact.iter().fold(0.0f64, |top, q| top.max(q.abs()));
        let bound = steps * (x.rows() + x.cols() + network.width + 8) as f64 * f64::EPSILON * top;
        for (engine, tied) in [(EngineChoice::Direct, true), (EngineChoice::Direct, false), (EngineChoice::Gram, true)]
        {
            let options = Options { engine, tied, ..Options::default() };
            let mut descent = Descent::with(&problem, &start, &options).expect("a descent");
            descent.run(steps, |_| Continue(()));
            let off = descent.margins().iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off <= bound, "{k}, {engine:?}, {tied}: {off:e} of {bound:e}");
            assert_eq!(descent.diary().flips.count, 0, "{k}");
        }
    }
}

/// Saved before and within the warp, and resumed: the same bits.
#[test]
fn resumed_runs_end_in_the_same_bits() {
    for k in [1, 4] {
        let (problem, ..) = problem(k, Loss::Exponential);
        let start = Start::gaussian(0.02, k);
        let options = Options { planned: 1e9, ..Options::default() };
        let run = |descent: &mut Descent, t: f64| drop(descent.run(t, |_| Continue(())).clone());
        let mut whole = Descent::with(&problem, &start, &options).expect("a descent");
        run(&mut whole, 1e9);
        for t in [700.0, 1e5] {
            let mut first = Descent::with(&problem, &start, &options).expect("a descent");
            run(&mut first, t);
            let mut second = Descent::resume(&problem, &start, &options, &first.save()).expect("its own state");
            run(&mut second, 1e9);
            assert_eq!(second.outcome(0).digest, whole.outcome(0).digest, "{k}, {t}");
        }
    }
}
