//! Every run ends, for a reason that is true.

use farfield::{
    Data, Descent, EngineChoice, EngineKind, Matrix, Network, Options, Problem, Reduction, Start, Status, StepSize,
};
use std::ops::ControlFlow::Continue;

/// SplitMix64, for numbers from −1 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// n samples in d dimensions with random labels.
fn data(n: usize, d: usize, seed: u64) -> Data {
    let mut random = Random(seed);
    let x = Matrix::new(n, d, (0..n * d).map(|_| random.next()).collect());
    let y = (0..n).map(|_| if random.next() > 0.0 { 1.0 } else { -1.0 }).collect();
    Data::new(x, y).expect("data")
}

fn problem(data: &Data, network: (usize, usize, f64), reduction: Reduction) -> Problem {
    let (width, positive, leak) = network;
    let network = Network::new(width, positive, leak).expect("a network");
    Problem::with(data, network, StepSize::Auto, reduction).expect("a problem")
}

fn descent(problem: &Problem, options: Options) -> Descent {
    Descent::with(problem, &Start::gaussian(0.1, 7), &options).expect("a start")
}

/// On data that nothing separates coefficients grow like t, and W converges: norm and margins in the span of the data are
/// those of plain steps on X. FARFIELD_LONG=1: 50 problems to 10⁶. Neurons that chatter
/// make every rounding grow: they are left out, as is what can be separated.
#[test]
fn norms_where_coefficients_cancel() {
    let (problems, steps) = if std::env::var("FARFIELD_LONG").is_ok() { (50, 1e6) } else { (8, 1e5) };
    let (mut seen, mut seeds) = (0, 0..);
    while seen < problems {
        let seed: u64 = seeds.next().expect("another seed");
        let data = data(14, 2 + seed as usize % 3, seed);
        let problem = problem(&data, (5, [3, 5][seed as usize % 2], 0.9), Reduction::Mean);
        let at = |engine| {
            let options = Options { engine, warp: false, ..Options::default() };
            let mut descent = descent(&problem, options);
            descent.run(steps, |_| Continue(()));
            let chatters = descent.diary().flips.last > 0.9 * steps;
            (descent.iterate().weight_norm(), descent.margins(), chatters)
        };
        let (plain, p, chatters) = at(EngineChoice::Direct);
        if chatters || p.iter().all(|p| *p > 0.0) {
            continue;
        }
        seen += 1;
        let (span, q, _) = at(EngineChoice::Gram);
        assert!((span / plain - 1.0).abs() <= 1e-12, "{seed}: {span} against {plain}");
        let off = q.iter().zip(&p).fold(0.0f64, |off, (q, p)| off.max((q - p).abs()));
        assert!(off <= 1e-11, "{seed}: margins differ by {off:e}");
    }
}

/// Samples of the negative label count by γ²K_ii where every neuron is positive: warp need not wait for 1/γ² steps more.
#[test]
fn one_sided_networks_warp() {
    let x = Matrix::new(2, 2, vec![1.0, 0.2, 0.1, 0.9]);
    let data = Data::new(x, vec![1.0, -1.0]).expect("data");
    let mut descent = descent(&problem(&data, (1, 1, 1e-4), Reduction::Sum), Options::default());
    assert_eq!(descent.run(1e12, |_| Continue(())).status, Status::Horizon);
    let stepped: u64 = descent.diary().segments.iter().map(|s| s.steps_taken).sum();
    assert!(stepped < 100_000, "{stepped} steps");
    assert_eq!(descent.diary().segments.last().map(|s| s.engine), Some(EngineKind::Warp));
}

/// Two samples in one place with different labels: no sides of any neuron separate them.
#[test]
fn contradictions_end_at_once() {
    let known = data(12, 4, 3);
    let (mut rows, mut y) = (known.x().values().to_vec(), known.y().to_vec());
    let twin: Vec<f64> = known.x().row(0).iter().map(|v| 2.0 * v).collect();
    rows.extend(twin);
    y.push(-y[0]);
    let data = Data::new(Matrix::new(13, 4, rows), y).expect("data");
    let mut descent = descent(&problem(&data, (6, 2, 0.9), Reduction::Sum), Options::default());
    let ended = descent.run(1e12, |_| Continue(())).clone();
    assert_eq!((ended.status, ended.row.t), (Status::NotSeparable, 1e4));
    proved(&descent);
}

/// The weights of the proof cancel the features, `Σ_i λ_i y_i θ_ij x_i = 0` for every neuron j.
fn proved(descent: &Descent) {
    let proof = descent.monitor().inseparable().expect("a proof");
    let (lambda, data) = (&proof.farkas.lambda, &descent.problem().data);
    assert!(lambda.iter().all(|l| *l >= 0.0) && (lambda.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let (mut left, mut sizes) = (0.0, 0.0);
    for j in 0..descent.problem().network.width {
        for p in 0..data.d() {
            let terms = (0..data.n()).map(|i| lambda[i] * data.y()[i] * proof.slopes[(i, j)] * data.x()[(i, p)]);
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), v: f64| (sum + v, size + v.abs()));
            left = f64::max(left, sum.abs());
            sizes = f64::max(sizes, size);
        }
    }
    assert!(left <= 1e-14 * sizes, "{left:e} of {sizes:e}");
}

/// Hard small problems to 10¹²: what a run says at its end is true, and it has not taken more steps than its patience.
#[test]
fn ends_are_true() {
    for seed in 0..24 {
        let (n, d) = (4 + seed as usize % 9, 1 + seed as usize % 4);
        let width = [1, 2, 3, 6][seed as usize % 4];
        let leak = [0.1, 0.5, 1e-4, 0.999][seed as usize / 4 % 4];
        let problem = problem(&data(n, d, 100 + seed), (width, width.div_ceil(2), leak), Reduction::Sum);
        let mut descent = descent(&problem, Options::default());
        let ended = descent.run(1e12, |_| Continue(())).clone();
        let outcome = descent.outcome(0);
        match ended.status {
            Status::Horizon => assert_eq!(ended.row.t, 1e12, "{seed}"),
            Status::NotSeparable => {
                assert!(outcome.train_error > 0.0, "{seed}");
                proved(&descent);
            }
            Status::Time => {
                let end = outcome.time.expect("why");
                assert!(!end.clock && end.steps_left == 1e12 - ended.row.t && end.steps_per_second > 0.0, "{seed}");
            }
            Status::Converged => assert!(ended.row.min_margin <= 0.0, "{seed}"),
            other => panic!("{seed}: {other:?}, {:?}, {:?}", ended.row, descent.diary().segments),
        }
    }
}

/// Where patience ends does not depend on what is watched, nor on having been saved.
#[test]
fn patience_is_the_same_however_it_is_watched() {
    let problem = problem(&data(7, 3, 5), (4, 2, 0.5), Reduction::Sum);
    let options = |samples_per_decade| Options { samples_per_decade, warp: false, ..Options::default() };
    let ends = |per_decade| {
        let mut descent = descent(&problem, options(per_decade));
        let ended = descent.run(1e12, |_| Continue(())).clone();
        (ended.status, ended.row.t)
    };
    let rare = ends(1);
    assert_eq!(rare.0, Status::Time);
    assert_eq!(rare, ends(9));
}

/// Steps that may wait for averages wait as long, however the run is watched.
#[test]
fn waiting_for_averages_ends_however_it_is_watched() {
    let problem = problem(&data(160, 80, 5), (8, 4, 0.5), Reduction::Sum);
    let ends = |samples_per_decade| {
        let mut descent =
            descent(&problem, Options { samples_per_decade, engine: EngineChoice::Gram, ..Options::default() });
        let ended = descent.run(1e12, |_| Continue(())).clone();
        (ended.status, ended.row.t)
    };
    let rare = ends(1);
    assert_eq!(rare.0, Status::Time);
    assert_eq!(rare, ends(7));
}

/// A schedule with more rows than anyone can wait for obeys the clock, and the flag.
#[test]
fn fine_schedules_end() {
    let problem = problem(&data(6, 8, 2), (2, 1, 0.1), Reduction::Sum);
    let fine = Options { samples_per_decade: 1_000_000_000_000, max_seconds: 0.2, ..Options::default() };
    let mut timed = descent(&problem, fine.clone());
    let ended = timed.run(1e12, |_| Continue(())).clone();
    assert_eq!(ended.status, Status::Time);
    assert!(ended.time.is_some_and(|end| end.clock));
    let mut stopped = descent(&problem, Options { max_seconds: 0.0, ..fine });
    let (stop, mut rows) = (stopped.stop(), 0);
    let status = stopped.run(1e12, |_| {
        rows += 1;
        if rows == 100 {
            stop.raise();
        }
        Continue(())
    });
    assert_eq!((status.status, rows), (Status::Interrupted, 100));
}

/// Many samples in few dimensions: handed over and back, saved in between, in the same bits.
#[test]
fn relays_go_on_in_the_same_bits() {
    let mut random = Random(11);
    let (n, d) = (150, 3);
    let mut rows: Vec<f64> = (0..n * d).map(|_| random.next()).collect();
    let y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    (0..n).for_each(|i| rows[i * d] += 1.05 * y[i]);
    let data = Data::new(Matrix::new(n, d, rows), y).expect("data");
    let problem = problem(&data, (8, 4, 0.1), Reduction::Sum);
    let options = Options { planned: 1e12, ..Options::default() };
    let start = Start::gaussian(0.1, 7);
    let digests = |cut: bool| {
        let mut descent = Descent::with(&problem, &start, &options).expect("a start");
        let mut digests = Vec::new();
        for t in [100.0, 1000.0, 5000.0, 2e4, 3e4] {
            descent.run(t, |_| Continue(()));
            let state = descent.save();
            digests.push((state.digest(), descent.diary().flips, descent.diary().segments.len()));
            if cut {
                descent = Descent::resume(&problem, &start, &options, &state).expect("its own state");
            }
        }
        digests
    };
    let whole = digests(false);
    assert_eq!(whole, digests(true));
    assert!(whole.last().is_some_and(|(_, _, segments)| *segments > 1), "handed over: {whole:?}");
}
