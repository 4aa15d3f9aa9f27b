//! Gradient flow is what steps tend to as they get short, from W(0) on, through every kink; with one sample it is known in closed
//! form.

use farfield::{
    Data, Descent, Draw, EngineChoice, EngineKind, Loss, Matrix, Mixture, Network, Noise, Options, Problem,
};
use farfield::{PatternState, Precision, Reduction, Row, Start, StepSize};
use std::ops::ControlFlow::Continue;

fn mixture(n: usize, d: usize, signal: f64, label_noise: f64, seed: u64) -> Data {
    Data::draw(Mixture::new(signal, vec![1.0; d], Noise::Gaussian), &Draw { n, balance: 0.5, label_noise, seed })
        .unwrap()
}

fn flow(data: &Data, network: Network, loss: Loss) -> Problem {
    Problem::with(data, network, StepSize::Flow, Reduction::Sum).unwrap().with_loss(loss)
}

fn run(problem: &Problem, start: &Start, horizon: f64, per_decade: u64) -> (Vec<Row>, Descent) {
    let options = Options { planned: horizon, samples_per_decade: per_decade, ..Options::default() };
    let mut descent = Descent::with(problem, start, &options).unwrap();
    let mut rows = Vec::new();
    descent.run(horizon, |row| {
        rows.push(row.clone());
        Continue(())
    });
    (rows, descent)
}

/// n = 1, one neuron on its positive side: `q' = ‖x‖² e^{−q}`, so `q = log(e^{q₀} + ‖x‖² t)` for the exponential loss.
#[test]
fn one_sample_in_closed_form() {
    let data = Data::new(Matrix::new(1, 2, vec![0.6, -0.8]), vec![1.0]).unwrap();
    let problem = flow(&data, Network::new(1, 1, 0.5).unwrap(), Loss::Exponential);
    let start = Start::weights(Matrix::new(1, 2, vec![0.5, 0.0]));
    let (rows, _) = run(&problem, &start, 1e300, 3);
    assert!(rows.len() > 900 && rows[1].t <= 1.0);
    for row in rows {
        // margins are held to 1e-14 of the largest one for each of a few hundred steps of the integrator
        let exact = (0.3f64.exp() + row.t).ln();
        assert!((row.min_margin - exact).abs() < 1e-12 * exact.max(1.0), "{} {} {exact}", row.t, row.min_margin);
        assert_eq!(row.segment, EngineKind::Flow);
    }
}

/// Across its own kink: z < 0 goes with slope γ, `q' = γ² e^{−q}`, up to the t at which q = 0, and with slope 1 from there.
#[test]
fn one_kink_in_closed_form() {
    let data = Data::new(Matrix::new(1, 2, vec![0.6, -0.8]), vec![1.0]).unwrap();
    let problem = flow(&data, Network::new(1, 1, 0.5).unwrap(), Loss::Exponential);
    let (rows, descent) = run(&problem, &Start::weights(Matrix::new(1, 2, vec![-1.0, 0.0])), 1e6, 3);
    let q0 = 0.5 * -0.6;
    let crossing = (1.0 - f64::exp(q0)) / 0.25;
    for row in &rows {
        let exact = match row.t < crossing {
            true => (f64::exp(q0) + 0.25 * row.t).ln(),
            false => (1.0 + (row.t - crossing)).ln(),
        };
        assert!((row.min_margin - exact).abs() < 1e-10, "{} {} {exact}", row.t, row.min_margin);
    }
    let flips = rows.last().unwrap().flips;
    assert_eq!((flips.count, descent.diary().segments.len()), (1, 1));
    assert!((flips.last / crossing - 1.0).abs() < 1e-9, "{flips:?} {crossing}");
}

/// W after `count` steps of Euler's method with step `alpha`, on X by plain loops: gradient descent itself.
fn steps(problem: &Problem, w: &Matrix, alpha: f64, count: usize) -> Matrix {
    let (x, y, network) = (problem.data.x().clone(), problem.data.y().to_vec(), problem.network);
    let mut w = w.clone();
    for _ in 0..count {
        let z: Vec<Vec<f64>> = (0..x.rows())
            .map(|i| (0..w.rows()).map(|j| x.row(i).iter().zip(w.row(j)).map(|(a, b)| a * b).sum()).collect())
            .collect();
        let before = w.clone();
        for i in 0..x.rows() {
            let q: f64 = (0..w.rows()).map(|j| y[i] * network.output(j) * network.activation(z[i][j])).sum();
            let weight = match problem.loss {
                Loss::Exponential => (-q).exp(),
                _ => 1.0 / (1.0 + q.exp()),
            };
            for j in 0..before.rows() {
                let slope = if z[i][j] > 0.0 { 1.0 } else { network.leak };
                let by = alpha * weight * y[i] * network.output(j) * slope;
                w.row_mut(j).iter_mut().zip(x.row(i)).for_each(|(w, x)| *w += by * x);
            }
        }
    }
    w
}

fn distance(a: &Matrix, b: &Matrix) -> f64 {
    a.values().iter().zip(b.values()).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt() / b.norm()
}

/// Steps of size α are within O(α) of the flow, and two sizes extrapolate to it, pairs that cross and pairs that slide included;
/// the kinks leave less than the square that Richardson's rule would.
#[test]
fn steps_tend_to_it() {
    let cases = [
        (mixture(8, 12, 1.5, 0.0, 1), Network::new(4, 2, 0.3).unwrap(), Loss::Exponential, 1e-6),
        (mixture(8, 12, 1.5, 0.0, 1), Network::new(4, 2, 0.3).unwrap(), Loss::Logistic, 0.3),
        (mixture(14, 20, 3.0, 0.3, 5), Network::new(4, 2, 0.1).unwrap(), Loss::Exponential, 0.05),
        (mixture(10, 15, 1.0, 0.2, 9), Network::new(3, 2, 0.0).unwrap(), Loss::Exponential, 0.3),
        (mixture(6, 10, 1.0, 0.2, 9), Network::new(3, 2, 1.0).unwrap(), Loss::Exponential, 0.3),
    ];
    let (mut flips, mut slid) = (0, 0);
    for (case, (data, network, loss, scale)) in cases.iter().enumerate() {
        let problem = flow(data, *network, *loss);
        let start = Start::gaussian(*scale, 3);
        let first = start.matrix(&problem).unwrap();
        let unit = problem.flow.unwrap();
        let horizon = 40.0 * unit;
        let (rows, mut descent) = run(&problem, &start, horizon, 2);
        let last = rows.last().unwrap();
        assert_eq!((last.t, last.segment), (horizon, EngineKind::Flow), "{case}");
        flips += last.flips.count;
        slid += usize::from(descent.iterate().slopes().is_some());
        let exact = descent.iterate().weights();
        let off = |count: usize| distance(&steps(&problem, &first, horizon / count as f64, count), &exact);
        let [coarse, middle, fine] = [off(20_000), off(40_000), off(80_000)];
        assert!(fine < 1e-3 && middle < 0.7 * coarse && fine < 0.7 * middle, "{case}: {coarse} {middle} {fine}");
    }
    assert!(flips > 20 && slid > 0, "{flips} {slid}");
}

/// dW/dt on X with the given slopes.
fn velocity(problem: &Problem, w: &Matrix, slopes: &[Vec<f64>]) -> Matrix {
    let (x, y, network) = (problem.data.x(), problem.data.y(), &problem.network);
    let mut out = Matrix::zeros(w.rows(), w.cols());
    for i in 0..x.rows() {
        let z = |j: usize| x.row(i).iter().zip(w.row(j)).map(|(a, b)| a * b).sum::<f64>();
        let q: f64 = (0..w.rows()).map(|j| y[i] * network.output(j) * slopes[i][j] * z(j)).sum();
        let weight = if problem.loss == Loss::Exponential { (-q).exp() } else { 1.0 / (1.0 + q.exp()) };
        for j in 0..w.rows() {
            let by = weight * y[i] * network.output(j) * slopes[i][j];
            out.row_mut(j).iter_mut().zip(x.row(i)).for_each(|(v, x)| *v += by * x);
        }
    }
    out
}

/// A step of the classical Runge–Kutta method in a fixed pattern.
fn classical(problem: &Problem, w: &Matrix, slopes: &[Vec<f64>], h: f64) -> Matrix {
    let moved = |k: &Matrix, by: f64| {
        Matrix::new(w.rows(), w.cols(), w.values().iter().zip(k.values()).map(|(w, k)| w + by * k).collect())
    };
    let k1 = velocity(problem, w, slopes);
    let k2 = velocity(problem, &moved(&k1, 0.5 * h), slopes);
    let k3 = velocity(problem, &moved(&k2, 0.5 * h), slopes);
    let k4 = velocity(problem, &moved(&k3, h), slopes);
    let sum = (0..w.values().len()).map(|p| {
        let [a, b, c, d] = [&k1, &k2, &k3, &k4].map(|k| k.values()[p]);
        w.values()[p] + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
    });
    Matrix::new(w.rows(), w.cols(), sum.collect())
}

/// W at `horizon` by short steps on X in the pattern of the moment, each cut where the first pair crosses its kink; and the number
/// of crossings. Pairs that slide would cross without end.
fn crossing(problem: &Problem, start: &Matrix, horizon: f64, count: usize) -> (Matrix, u64) {
    let (x, leak) = (problem.data.x(), problem.network.leak);
    let z = |w: &Matrix, i: usize, j: usize| x.row(i).iter().zip(w.row(j)).map(|(a, b)| a * b).sum::<f64>();
    let (n, m) = (x.rows(), start.rows());
    let slope = |i, j| if z(start, i, j) > 0.0 { 1.0 } else { leak };
    let mut slopes: Vec<Vec<f64>> = (0..n).map(|i| (0..m).map(|j| slope(i, j)).collect()).collect();
    let (mut w, mut left, mut crossings) = (start.clone(), horizon, 0);
    // the first steps are short, as W(0) is small
    let mut longest = 1e-9 * horizon;
    while left > 0.0 {
        let h = longest.min(left);
        let across = |w: &Matrix, slopes: &[Vec<f64>]| {
            let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
            pairs.filter(|&(i, j)| (z(w, i, j) > 0.0) != (slopes[i][j] == 1.0)).collect::<Vec<_>>()
        };
        let end = classical(problem, &w, &slopes, h);
        if across(&end, &slopes).is_empty() {
            (w, left, longest) = (end, left - h, (1.05 * longest).min(horizon / count as f64));
            continue;
        }
        let (mut before, mut beyond) = (0.0, h);
        for _ in 0..70 {
            let middle = 0.5 * (before + beyond);
            let empty = across(&classical(problem, &w, &slopes, middle), &slopes).is_empty();
            if empty { before = middle } else { beyond = middle }
        }
        w = classical(problem, &w, &slopes, beyond);
        for (i, j) in across(&w, &slopes) {
            slopes[i][j] = if slopes[i][j] == 1.0 { leak } else { 1.0 };
            crossings += 1;
            assert!(crossings < 1000, "a pair slides");
        }
        left -= beyond;
    }
    (w, crossings)
}

/// An event is located within 2e-11 of the largest pre-activation; the classical method with 4000 steps leaves less.
#[test]
fn it_is_what_short_steps_between_events_give() {
    for (loss, leak, scale) in
        [(Loss::Exponential, 0.3, 1e-6), (Loss::Logistic, 0.3, 0.03), (Loss::Exponential, 0.7, 0.3)]
    {
        let problem = flow(&mixture(8, 60, 3.0, 0.0, 1), Network::new(4, 2, leak).unwrap(), loss);
        let start = Start::gaussian(scale, 3);
        let horizon = 40.0 * problem.flow.unwrap();
        let (rows, mut descent) = run(&problem, &start, horizon, 2);
        assert!(descent.iterate().slopes().is_none(), "a pair slides: {loss} {leak}");
        let (w, crossings) = crossing(&problem, &start.matrix(&problem).unwrap(), horizon, 4000);
        let off = distance(&descent.iterate().weights(), &w);
        assert!(off < 1e-9, "{loss} {leak}: {off:e}");
        assert_eq!(rows.last().unwrap().flips.count, crossings);
        assert!(crossings > 3, "{crossings}");
    }
}

/// In a settled pattern, and before it, the limit is that of steps, and the flow comes as near to it.
#[test]
fn the_limit_is_that_of_steps() {
    let data = mixture(20, 400, 5.0, 0.0, 3);
    let network = Network::balanced(6, 0.1).unwrap();
    let start = Start::gaussian(1e-6, 1);
    let problem = flow(&data, network, Loss::Exponential);
    let (rows, mut flow) = run(&problem, &start, 1e12, 2);
    let (_, mut gd) = run(&problem.stepping(), &start, 1e15, 2);
    let (of_flow, of_steps) = (flow.monitor().limit().unwrap().clone(), gd.monitor().limit().unwrap().clone());
    assert!(of_flow.lambda.iter().zip(&of_steps.lambda).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs()));
    assert!((of_flow.max_margin / of_steps.max_margin - 1.0).abs() < 1e-12);
    let last = rows.last().unwrap();
    assert_eq!(flow.monitor().pattern_state(last), PatternState::Observed);
    // α c t s(q) → λ with α = 1 and t the time
    assert!(last.dual_gap.unwrap() < 1e-3, "{last:?}");
    for row in &rows {
        if let (Some(gap), Some(bound)) = (row.cosine_gap, row.certified_cosine_gap) {
            assert!(gap <= bound);
        }
    }
    let (a, b) = (flow.outcome(0), gd.outcome(0));
    assert_eq!((a.step_size, b.step_size), (1.0, problem.flow.unwrap()));
    assert!(a.segments.iter().all(|s| s.engine == EngineKind::Flow && s.steps_taken == 0 && s.error_estimate < 1e-8));
}

#[test]
fn the_same_bits_however_it_is_watched_and_resumed() {
    let data = mixture(14, 20, 3.0, 0.3, 5);
    let problem = flow(&data, Network::new(4, 2, 0.1).unwrap(), Loss::Exponential);
    let start = Start::gaussian(1e-3, 3);
    let (_, mut whole) = run(&problem, &start, 50.0, 1);
    let digest = whole.outcome(0).digest;
    for per_decade in [3, 17] {
        assert_eq!(run(&problem, &start, 50.0, per_decade).1.outcome(0).digest, digest);
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| run(&problem, &start, 50.0, 1).1.outcome(0).digest), digest);
    }
    for part in [1e-6, 0.003, 0.5] {
        let (_, first) = run(&problem, &start, part, 1);
        let options = Options { planned: 50.0, samples_per_decade: 1, ..Options::default() };
        let mut resumed = Descent::resume(&problem, &start, &options, &first.save()).unwrap();
        resumed.run(50.0, |_| Continue(()));
        assert_eq!(resumed.outcome(0).digest, digest, "{part}");
        assert!(Descent::resume(&problem.stepping(), &start, &options, &first.save()).is_err());
    }
}

#[test]
fn what_it_cannot_do_is_said() {
    let data = mixture(6, 10, 2.0, 0.0, 1);
    let problem = flow(&data, Network::new(4, 2, 0.3).unwrap(), Loss::Exponential);
    let start = Start::gaussian(1e-3, 3);
    let engine = Options { engine: EngineChoice::Direct, ..Options::default() };
    let precision = Options { precision: Precision::Mixed, ..Options::default() };
    let warp = Options { warp: false, ..Options::default() };
    for (options, word) in [(engine, "X"), (precision, "f64"), (warp, "warp")] {
        let error = Descent::with(&problem, &start, &options).err().expect("refused").to_string();
        assert!(error.contains("gradient flow") && error.contains(word) && !error.contains('\n'), "{error}");
    }
    let nowhere = Start::weights(Matrix::zeros(4, 10));
    let error = Descent::with(&problem, &nowhere, &Options::default()).err().expect("refused").to_string();
    assert!(error.contains("every kink"), "{error}");
}
