use super::*;
use crate::engine::Precision;
use crate::rounding::ALLOWED;
use farfield_kernels::loss::Loss;
use farfield_kernels::reference::Problem;
use std::sync::Arc;

/// A problem with separable data of one sign structure, from a linear congruential generator.
struct Case {
    x: Arc<Matrix>,
    y: Vec<f64>,
    network: Network,
    weights: Matrix,
    loss: Loss,
    rate: f64,
}

fn numbers(count: usize, mut state: u64) -> Vec<f64> {
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn case(n: usize, d: usize, m: usize) -> Case {
    let y: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
    let mut x = Matrix::new(n, d, numbers(n * d, (n * 31 + d) as u64));
    for i in 0..n {
        x.row_mut(i).iter_mut().for_each(|v| *v += 0.2 * y[i]);
    }
    let network = Network { width: m, positive: m.div_ceil(2), leak: 0.1 };
    let weights = Matrix::new(m, d, numbers(m * d, m as u64).iter().map(|w| w * 1e-2).collect());
    Case { x: x.into(), y, network, weights, loss: Loss::Exponential, rate: 1.0 / (n * d) as f64 }
}

/// The same problem with each loss.
fn cases((n, d, m): (usize, usize, usize)) -> impl Iterator<Item = Case> {
    Loss::ALL.iter().map(move |loss| Case { loss: *loss, ..case(n, d, m) })
}

impl Case {
    fn fused(&self, isa: Isa, options: Options) -> Fused {
        Fused::on(isa, &self.x.clone().into(), &self.y, &self.network, (self.loss, self.rate), &self.weights, &options)
    }

    fn reference(&self, steps: usize) -> Vec<f64> {
        let a = self.network.outputs();
        let problem = Problem {
            d: self.x.cols(),
            x: self.x.values(),
            y: &self.y,
            a: &a,
            leak: self.network.leak,
            loss: self.loss,
            rate: self.rate,
        };
        let mut w = self.weights.values().to_vec();
        (0..steps).for_each(|_| problem.step(&mut w));
        w
    }
}

const PLAIN: Options = Options { precision: Precision::F64, tied: false, nest: None };

/// Sizes on both sides of a vector, a sliver, a block of samples and a slab.
const SHAPES: [(usize, usize, usize); 16] = [
    (1, 1, 1),
    (2, 3, 2),
    (3, 70, 5),
    (7, 129, 4),
    (8, 8, 8),
    (9, 257, 7),
    (16, 33, 17),
    (31, 300, 16),
    (33, 2, 3),
    (64, 5, 24),
    (127, 130, 9),
    (128, 31, 16),
    (129, 140, 33),
    (200, 40, 2),
    (523, 12, 10),
    (600, 620, 3),
];

#[test]
fn steps_agree_with_the_reference() {
    for case in SHAPES.into_iter().flat_map(cases) {
        let (n, d, m, loss) = (case.x.rows(), case.x.cols(), case.network.width, case.loss);
        let exact = case.reference(3);
        for nest in [Nest::Panels, Nest::Rows] {
            let single = f64::from(f32::EPSILON);
            for (precision, epsilon) in
                [(Precision::F64, f64::EPSILON), (Precision::F32, single), (Precision::Mixed, single)]
            {
                let mut fused = case.fused(Isa::best(), Options { precision, tied: false, nest: Some(nest) });
                for _ in 0..3 {
                    assert!(fused.step().finite);
                }
                // Each step sums n products of coefficients whose margins are sums of d + m terms of
                // size O(1): relative errors below (n + d + m + a few)·ε each, three times.
                let scale = exact.iter().fold(0.0f64, |a, w| a.max(w.abs()));
                let bound = 3.0 * (n + d + m + 8) as f64 * epsilon * scale.max(0.1);
                for (w, e) in fused.weights().values().iter().zip(&exact) {
                    assert!((w - e).abs() <= bound, "{loss} {n} {d} {m} {nest:?} {precision:?}: {w} against {e}");
                }
            }
        }
    }
}

fn bits(fused: &mut Fused, steps: usize) -> (Vec<u64>, u64) {
    let flips = (0..steps).map(|_| fused.step().flips).sum::<u64>() + fused.sync();
    let numbers = fused.weights().into_values().into_iter().chain(fused.preactivations());
    (numbers.map(f64::to_bits).collect(), flips)
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    for case in SHAPES.into_iter().flat_map(cases) {
        let (n, d, m, loss) = (case.x.rows(), case.x.cols(), case.network.width, case.loss);
        for nest in [Nest::Panels, Nest::Rows] {
            for precision in [Precision::F64, Precision::F32, Precision::Mixed] {
                let run = |isa| bits(&mut case.fused(isa, Options { precision, tied: false, nest: Some(nest) }), 2);
                let all: Vec<_> = Isa::all().into_iter().map(run).collect();
                assert!(all.windows(2).all(|w| w[0] == w[1]), "{loss} {n} {d} {m} {nest:?} {precision:?}");
            }
        }
    }
}

#[test]
fn every_number_of_threads_gives_the_same_bits() {
    for case in [(40, 3000, 5), (300, 900, 20), (2000, 40, 6), (1500, 200, 32)].into_iter().flat_map(cases) {
        let (n, d, m, loss) = (case.x.rows(), case.x.cols(), case.network.width, case.loss);
        for precision in [Precision::F64, Precision::F32, Precision::Mixed] {
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                let options = Options { tied: true, precision, ..PLAIN };
                pool.install(|| bits(&mut case.fused(Isa::best(), options), 70)) // across an anchor of mixed steps
            };
            let one = run(1);
            assert!([2, 3].into_iter().all(|threads| run(threads) == one), "{loss} {n} {d} {m} {precision:?}");
        }
    }
}

#[test]
fn tied_agrees_with_plain_and_counts_the_same_flips() {
    for case in [(6, 40, 8), (40, 300, 12), (40, 300, 64), (300, 30, 10), (200, 60, 32)].into_iter().flat_map(cases) {
        let (n, d, m) = (case.x.rows(), case.x.cols(), case.network.width);
        for nest in [Nest::Panels, Nest::Rows] {
            let run = |tied| {
                let mut fused = case.fused(Isa::best(), Options { tied, nest: Some(nest), ..PLAIN });
                let flips = (0..400).map(|_| fused.step().flips).sum::<u64>() + fused.sync();
                (fused.preactivations(), fused.weights().into_values(), flips)
            };
            let (plain, tied) = (run(false), run(true));
            assert_eq!(plain.2, tied.2, "flips {n} {d} {m} {nest:?}");
            for (a, b) in [(&plain.0, &tied.0), (&plain.1, &tied.1)] {
                let scale = a.iter().fold(0.0f64, |s, v| s.max(v.abs()));
                let apart = a.iter().zip(b).fold(0.0f64, |s, (a, b)| s.max((a - b).abs()));
                assert!(apart <= 1e-12 * scale, "{n} {d} {m} {nest:?}: {apart} of {scale}");
            }
        }
    }
}

#[test]
fn integers_are_exact() {
    // W = 0, so every loss is 1 and every slope the leak 1/2; with rate·a = 1/2 exactly, S = ±1/4, and all
    // sums of integer data times S are exact in any order.
    for (n, d, m) in SHAPES {
        let x = Arc::new(Matrix::new(n, d, numbers(n * d, 5).iter().map(|v| (v * 4.0).round()).collect()));
        let y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let network = Network { width: m, positive: m, leak: 0.5 };
        let near = (0.5 / network.output(0)).to_bits();
        let rates = (near - 2..=near + 2).map(f64::from_bits);
        let rate = rates.into_iter().find(|rate| rate * network.output(0) == 0.5).expect("a rate");
        let zero = Matrix::zeros(m, d);
        for nest in [Nest::Panels, Nest::Rows] {
            let options = Options { nest: Some(nest), ..PLAIN };
            let mut fused = Fused::new(&x.clone().into(), &y, &network, (Loss::Exponential, rate), &zero, &options);
            fused.step();
            let w = fused.weights();
            for k in 0..d {
                let sum: f64 = (0..n).map(|i| y[i] * x[(i, k)]).sum();
                for j in 0..m {
                    assert_eq!(w[(j, k)], 0.25 * sum, "{n} {d} {m} {nest:?}");
                }
            }
        }
    }
}

/// A sync between two steps shows Z and reports flips early; it moves nothing.
#[test]
fn looking_changes_nothing() {
    for (n, d, m) in [(12, 30, 24), (40, 300, 64), (40, 30, 12)] {
        let case = case(n, d, m);
        for precision in Precision::ALL {
            for nest in [Nest::Panels, Nest::Rows] {
                for tied in [true, false] {
                    let run = |every: usize| {
                        let mut fused = case.fused(Isa::best(), Options { precision, tied, nest: Some(nest) });
                        let look = |(t, fused): (usize, &mut Fused)| if t % every == 0 { fused.sync() } else { 0 };
                        let flips = |t: usize| fused.step().flips + look((t, &mut fused));
                        let flips = (1..=400).map(flips).sum::<u64>();
                        let late = fused.sync();
                        (flips + late, fused.weights().into_values(), fused.preactivations())
                    };
                    let seldom = run(400);
                    assert!(seldom.0 > 0, "some bits change");
                    for every in [1, 3, 64] {
                        assert!(run(every) == seldom, "{n} {d} {m} {precision} {nest:?} tied {tied}, every {every}");
                    }
                }
            }
        }
    }
}

/// Stretches of groups that flips end move mixed steps no further from those in f64 than anchors may find them.
#[test]
fn mixed_stretches_of_groups_end_where_they_are() {
    for (n, d, m) in [(12, 30, 24), (16, 60, 16), (40, 300, 64)] {
        let case = case(n, d, m);
        let fused = |precision, tied| case.fused(Isa::best(), Options { precision, tied, nest: Some(Nest::Rows) });
        let (mut exact, mut mixed) = (fused(Precision::F64, false), fused(Precision::Mixed, true));
        let (mut ended, mut groups) = (0, m);
        for t in 1..=400 {
            exact.step();
            mixed.step();
            ended += usize::from(groups < m && mixed.groups() == m);
            groups = mixed.groups();
            if t % 5 == 0 {
                let (late, _) = (exact.sync(), mixed.sync());
                let off = case.network.drift(&mixed.preactivations(), &exact.preactivations());
                assert!(off < ALLOWED, "{n} {d} {m}, t = {t}: off by {off}, {late} flips");
            }
        }
        assert!(ended > 0, "{n} {d} {m}: no stretch has ended");
    }
}
