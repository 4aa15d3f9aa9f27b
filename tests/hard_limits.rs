//! Verdicts and bounds of the limit on hard problems, against exact arithmetic.
//!
//! Rows scaled over 12 decades, twins 1e-4 to 1e-15 apart, leak from 1e-12 to 1 − 1e-12, networks of one sign, collinear and nearly
//! collinear rows, integers, fewer dimensions than samples. `FARFIELD_HARD=10000 cargo test --test hard_limits` runs more of them.

mod rational;

use farfield::claims::{Dual, Seen};
use farfield::inner_products::Gram;
use farfield::limit::sliding::Sliding;
use farfield::limit::{Inseparable, Limit, NEGLIGIBLE, PROOF, Prediction};
use farfield::matrix::{Matrix, norm};
use farfield::network::{Network, Pattern};
use rational::Exact;

/// Reproducible numbers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Roughly normal.
    fn normal(&mut self) -> f64 {
        (0..6).map(|_| self.unit()).sum::<f64>() * 2f64.sqrt() - 3.0 * 2f64.sqrt()
    }

    fn below(&mut self, n: u64) -> usize {
        (self.next() % n) as usize
    }
}

struct Case {
    kind: &'static str,
    x: Matrix,
    y: Vec<f64>,
    network: Network,
    pattern: Pattern,
    sliding: bool,
}

const KINDS: [&str; 8] =
    ["scaled", "twins", "collinear", "integers", "few dimensions", "scaled twins", "low rank", "gaussian"];

fn case(seed: u64) -> Case {
    let mut g = Numbers(seed.wrapping_mul(0x1000_0000_01B3));
    let kind = KINDS[seed as usize % KINDS.len()];
    let (mut n, mut d) = (2 + g.below(6), 1 + g.below(5));
    if kind == "few dimensions" {
        (n, d) = (5 + g.below(5), 1 + g.below(3));
    }
    let mut x = Matrix::new(n, d, (0..n * d).map(|_| g.normal()).collect());
    let mut y: Vec<f64> = (0..n).map(|_| if g.unit() < 0.5 { 1.0 } else { -1.0 }).collect();
    if kind.contains("twins") {
        for i in (1..n).step_by(2) {
            let gap = 10f64.powf(-4.0 - 11.0 * g.unit());
            for k in 0..d {
                x[(i, k)] = x[(i - 1, k)] + gap * g.normal();
            }
            y[i] = if g.unit() < 0.8 { -y[i - 1] } else { y[i - 1] };
        }
    }
    match kind {
        "collinear" => {
            let exact = g.unit() < 0.5;
            for i in 1..n {
                let s = if exact { (1 + g.below(4)) as f64 } else { g.normal() };
                let s = if g.unit() < 0.5 { s } else { -s };
                let gap = if g.unit() < 0.5 { 0.0 } else { 10f64.powf(-6.0 - 10.0 * g.unit()) };
                for k in 0..d {
                    x[(i, k)] = s * x[(0, k)] + gap * g.normal();
                }
            }
        }
        "integers" => x.values_mut().iter_mut().for_each(|v| *v = v.round()),
        "low rank" => {
            let gap = 10f64.powf(-3.0 - 12.0 * g.unit());
            let (a, b): (Vec<f64>, Vec<f64>) = (x.row(0).to_vec(), x.row(1).to_vec());
            for i in 0..n {
                let (s, t) = (g.normal(), g.normal());
                for k in 0..d {
                    x[(i, k)] = s * a[k] + t * b[k] + gap * g.normal();
                }
            }
        }
        _ => {}
    }
    if kind.contains("scaled") {
        for i in 0..n {
            let s = 10f64.powf(12.0 * g.unit() - 6.0);
            x.row_mut(i).iter_mut().for_each(|v| *v *= s);
        }
    }
    let leaks = [1e-12, 1e-8, 1e-5, 1e-3, 0.1, 0.5, 0.9, 1.0 - 1e-5, 1.0 - 1e-9, 1.0 - 1e-12];
    let width = 1 + g.below(4);
    let network = Network { width, positive: g.below(width as u64 + 1), leak: leaks[g.below(10)] };
    let mut pattern = Pattern::activated(&network, &y);
    let share = [0.0, 0.2, 0.5][g.below(3)];
    for i in 0..n {
        for j in 0..width {
            if g.unit() < share {
                pattern.flip(i, j);
            }
        }
    }
    Case { kind, x, y, network, pattern, sliding: g.unit() < 0.4 }
}

impl Case {
    fn gram(&self) -> Gram {
        let n = self.x.rows();
        let value =
            |i: usize, k: usize| self.x.row(i).iter().zip(self.x.row(k)).fold(0.0, |s, (a, b)| a.mul_add(*b, s));
        Gram(Matrix::new(n, n, (0..n * n).map(|t| value(t / n, t % n)).collect()))
    }

    fn own(&self, i: usize, j: usize) -> bool {
        self.network.sign(j) * self.y[i] > 0.0
    }

    /// Every neuron is a group of its own; opposite-sign pairs that may slide take either slope in groups of equal neurons.
    fn exact(&self) -> Exact {
        let (n, m) = (self.x.rows(), self.network.width);
        let column = |j: usize| -> Vec<bool> {
            (0..n).map(|i| self.pattern.get(i, j) && (!self.sliding || self.own(i, j))).collect()
        };
        let mut groups: Vec<(f64, usize)> = Vec::new();
        let mut first: Vec<usize> = Vec::new();
        for j in 0..m {
            let same = |&f: &usize| self.network.sign(f) == self.network.sign(j) && column(f) == column(j);
            match first.iter().position(same) {
                Some(p) => groups[p].1 += 1,
                None => {
                    first.push(j);
                    groups.push((self.network.sign(j), 1));
                }
            }
        }
        let mut rows = Vec::new();
        for i in 0..n {
            let slope = |j: usize| self.pattern.slope(&self.network, i, j);
            let free: Vec<usize> = (0..first.len()).filter(|&p| self.sliding && !self.own(i, first[p])).collect();
            for choice in 0..1usize << free.len() {
                let mut slopes: Vec<f64> = first.iter().map(|&j| slope(j)).collect();
                for (bit, &p) in free.iter().enumerate() {
                    slopes[p] = if choice >> bit & 1 == 1 { 1.0 } else { self.network.leak };
                }
                rows.push((i, slopes));
            }
        }
        Exact::new(&self.x, &self.y, &groups, &rows)
    }

    /// `‖Φ_i‖` in the pattern.
    fn row_length(&self, i: usize) -> f64 {
        let m = self.network.width;
        let squares: f64 = (0..m).map(|j| self.pattern.slope(&self.network, i, j).powi(2)).sum();
        norm(self.x.row(i)) * (squares / m as f64).sqrt()
    }

    /// `‖Σ λ_i Φ_i‖` in exact arithmetic, `Σ λ_i ‖Φ_i‖`, and what the slopes of the proof may be off by: where pairs slide
    /// they are averages over k rows of a sample, in f64, `k + 2` roundings of positive terms.
    fn sum_of_proof(&self, exact: &Exact, proof: &Inseparable) -> (f64, f64, f64) {
        let (n, m, lambda) = (self.x.rows(), self.network.width, &proof.farkas.lambda);
        if !self.sliding {
            let size = (0..n).map(|i| self.row_length(i) * lambda[i]).sum();
            return (exact.sum_norm(lambda), size, 0.0);
        }
        let neurons: Vec<(f64, usize)> = (0..m).map(|j| (self.network.sign(j), 1)).collect();
        let slopes = |i: usize| (0..m).map(|j| proof.slopes[(i, j)]).collect::<Vec<f64>>();
        for i in 0..n {
            assert!(slopes(i).iter().all(|s| (self.network.leak * (1.0 - 4.0 * f64::EPSILON)..=1.0).contains(s)));
        }
        let rows: Vec<(usize, Vec<f64>)> = (0..n).map(|i| (i, slopes(i))).collect();
        let averaged = Exact::new(&self.x, &self.y, &neurons, &rows);
        let length = |i: usize| norm(self.x.row(i)) * (norm(&rows[i].1).powi(2) / m as f64).sqrt();
        let most = (0..n).map(|i| exact.rows.iter().filter(|r| r.sample == i).count()).max().unwrap_or(0);
        let unsure = 0.5 * f64::EPSILON * (most + 2) as f64;
        (averaged.sum_norm(lambda), (0..n).map(|i| length(i) * lambda[i]).sum(), unsure)
    }

    /// The least length of a row.
    fn least_row(&self) -> f64 {
        let length = |i: usize| norm(self.x.row(i)) * self.network.leak;
        (0..self.x.rows()).map(length).fold(f64::INFINITY, f64::min)
    }

    fn predict(&self) -> Prediction<Limit> {
        let (k, x) = (self.gram(), Some(&self.x as &dyn farfield::data::slabs::Whole));
        if !self.sliding {
            let mut found = Limit::of_pattern(&k, x, &self.y, &self.network, &self.pattern, None);
            if let Prediction::Limit(limit) = &mut found {
                limit.verify(&k, &self.x, &self.pattern);
            }
            return found;
        }
        match Sliding::with_sides(&k, x, &self.y, &self.network, &self.pattern, None) {
            Prediction::Limit(mut sliding) => {
                sliding.verify(&k, &self.x, &self.pattern);
                Prediction::Limit(sliding.limit)
            }
            Prediction::NotSeparable(proof) => Prediction::NotSeparable(proof),
            Prediction::Undecided(best) => Prediction::Undecided(best),
        }
    }
}

/// The activated limit of samples with a network, checked against X where that is said to be there.
fn activated(rows: &[&[f64]], y: &[f64], network: Network, known: bool) -> Prediction<Sliding> {
    let x = Matrix::new(rows.len(), rows[0].len(), rows.concat());
    let sides = Pattern::activated(&network, y);
    let c = Case { kind: "", x, y: y.to_vec(), network, pattern: sides, sliding: true };
    let k = c.gram();
    let mut found = Sliding::with_sides(&k, known.then_some(&c.x), y, &network, &c.pattern, None);
    if let Prediction::Limit(limit) = &mut found {
        limit.verify(&k, &c.x, &c.pattern);
    }
    found
}

/// Orthogonal samples of norms 1 and 1e-7: γ*⁻² is the sum of the two rows' own.
#[test]
fn rows_count_by_their_directions() {
    let network = Network { width: 2, positive: 1, leak: 0.1 };
    let Prediction::Limit(found) = activated(&[&[1.0, 0.0], &[0.0, 1e-7]], &[1.0, 1.0], network, true) else {
        panic!()
    };
    let row: f64 = 0.5 * (1.0 + 0.01) * 1e-14;
    assert!((found.limit.max_margin / (row / (1.0 + 1e-14)).sqrt() - 1.0).abs() < 1e-15);
}

/// Nearly collinear samples in the plane: from X in 60 digits γ* = 8.758757e-7; K alone is off by 2.6e-5.
#[test]
fn digits_of_barely_separable_data() {
    let rows: [&[f64]; 12] = [
        &[0.08858691338791168, -0.11749707020178475],
        &[-0.17429425750429509, 0.23117320888282525],
        &[-0.09317498665265501, 0.12358403939319186],
        &[0.17997569145009099, -0.23870219830895226],
        &[0.39467626634021585, -0.5234702121108024],
        &[-1.7199370473649511, 2.2811840274901676],
        &[-0.7241647826547778, 0.9604753928208287],
        &[0.35159082306660866, -0.4663168934743242],
        &[0.2426023272613485, -0.3217699722843483],
        &[0.6470571329742523, -0.8582062242273718],
        &[0.9081672592297947, -1.2045192708057981],
        &[-0.4452509167030902, 0.5905471027179524],
    ];
    let y = [-1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0];
    let network = Network { width: 6, positive: 2, leak: 0.1 };
    let Prediction::Limit(found) = activated(&rows, &y, network, true) else { panic!() };
    assert!((found.limit.max_margin / 8.758757e-7 - 1.0).abs() < 1e-7, "{:e}", found.limit.max_margin);
    let (low, high) = found.limit.margin_interval;
    assert!(high / low - 1.0 < 1e-14 && found.limit.direction_error < 1e-9, "{:e}", found.limit.direction_error);
}

/// K alone proves no impossibility.
#[test]
fn without_the_samples_nothing_is_called_not_separable() {
    let (rows, y): ([&[f64]; 2], _) = ([&[1.0, 2.0], &[1.0, 2.0]], [1.0, -1.0]);
    let network = Network { width: 2, positive: 2, leak: 0.5 };
    let Prediction::NotSeparable(proof) = activated(&rows, &y, network, true) else { panic!() };
    assert!(proof.farkas.relative <= PROOF && (proof.farkas.lambda[0] - 0.5).abs() < 0.26);
    let Prediction::Undecided(best) = activated(&rows, &y, network, false) else { panic!() };
    assert!(best.margin_interval.0 == 0.0 && best.margin_interval.1 < 1e-6, "{:?}", best.margin_interval);
}

#[derive(Default, Debug)]
struct Counts {
    separable: usize,
    not_separable: usize,
    undecided: usize,
    rounded: usize,
    margins: usize,
    beyond: usize,
    handed: usize,
    widest: f64,
}

/// Whether the bounds follow from λ, the slopes and the remainders that are handed out, as they do where little is lost.
fn follows(c: &Case, limit: &Limit, what: &str) -> bool {
    let proof = limit.proof();
    let residual = proof.residual.expect("X is there");
    let seen = Seen::new(&c.x, &c.y, c.network);
    let (lambda, slopes, remainders) = (&limit.lambda[..], &proof.slopes, Some(&proof.remainders));
    let dual = Dual { lambda, slopes, remainders, free: proof.free };
    let given = |i: usize, j: usize| slopes[(i, j)];
    assert_eq!(dual.fault(&seen, given), None, "{what}");
    let proves = dual.proves(&seen, given, limit, residual);
    assert!(proves || proof.loss > NEGLIGIBLE, "{what}: loss {:e}", proof.loss);
    proves
}

#[test]
fn no_verdict_is_false_and_every_bound_holds() {
    let count = std::env::var("FARFIELD_HARD").map_or(2000, |v| v.parse().expect("FARFIELD_HARD is a number"));
    let mut counts = Counts::default();
    for seed in 0..count {
        let c = case(seed);
        let what = format!(
            "seed {seed}, {}, n = {}, d = {}, sliding {}, {:?}",
            c.kind,
            c.x.rows(),
            c.x.cols(),
            c.sliding,
            c.network
        );
        let exact = c.exact();
        let truth = exact.separable();
        match c.predict() {
            Prediction::Limit(limit) => {
                assert!(truth, "{what}: called separable");
                counts.separable += 1;
                let (low, high) = limit.margin_interval;
                assert!(0.0 < low && low <= limit.max_margin && limit.max_margin <= high, "{what}");
                // all rows of a sample start as the support that its weight names
                let weights: Vec<f64> = exact.rows.iter().map(|r| limit.lambda[r.sample]).collect();
                if let Some(margin) = exact.margin_squared(&weights) {
                    counts.margins += 1;
                    assert!(exact.contains(&margin, (low, high)), "{what}: {low:e} {high:e}");
                }
                counts.handed += usize::from(follows(&c, &limit, &what));
                // beyond a condition of 1e12 the bounds may be wide
                let top = (0..c.x.rows()).map(|i| norm(c.x.row(i))).fold(0.0, f64::max);
                let width = high / low - 1.0;
                if high >= 1e-12 * top {
                    assert!(width <= 1e-9, "{what}: width {width:.1e}, margin {low:.3e}");
                    counts.widest = counts.widest.max(width);
                } else {
                    counts.beyond += 1;
                }
            }
            Prediction::NotSeparable(proof) => {
                // exactly separable by less than the rounding of the samples, as the sum proves: γ* ≤ ‖Σ λ_i Φ_i‖/Σ λ_i
                counts.rounded += usize::from(truth);
                let (sum, size, unsure) = c.sum_of_proof(&exact, &proof);
                assert!(sum <= (PROOF + unsure) * size * (1.0 + 1e-12), "{what}: {sum:e} of {size:e}");
                counts.not_separable += 1;
                assert!(proof.farkas.relative <= PROOF && proof.farkas.lambda.iter().all(|l| *l >= 0.0), "{what}");
                assert!((proof.farkas.lambda.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{what}");
            }
            Prediction::Undecided(best) => {
                counts.undecided += 1;
                println!("{what}: undecided, {:?}, truth {truth}", best.margin_interval);
                assert!(best.margin_interval.1 <= 1e-12 * c.least_row(), "{what}: {:?}", best.margin_interval);
                // λ, the slopes and the remainders that are handed out prove the upper bound
                let proof = best.proof.as_ref().expect("X is there");
                let seen = Seen::new(&c.x, &c.y, c.network);
                let (lambda, slopes, remainders) = (&best.lambda[..], &proof.slopes, Some(&proof.remainders));
                let dual = Dual { lambda, slopes, remainders, free: proof.free };
                assert_eq!(dual.fault(&seen, |i, j| slopes[(i, j)]), None, "{what}");
                let bracket = dual.bracket(&seen, |i, j| slopes[(i, j)]);
                assert!(bracket.high <= best.margin_interval.1.into(), "{what}: {:e}", bracket.high.above());
            }
        }
    }
    println!("{counts:?}");
    assert!(counts.undecided * 100 <= count as usize, "{counts:?}");
    assert!(counts.margins * 100 >= counts.separable * 95, "{counts:?}");
}
