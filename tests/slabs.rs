//! Columns of X shared out over processes, here threads that send each other messages: the same bits for any number of them.

use farfield::data::Stream;
use farfield::data::initial_weights;
use farfield::data::slabs::{self, Link, Slab, Slabs, X, columns_of};
use farfield::descent::fused::{self, Fused, Lanes};
use farfield::descent::serve;
use farfield::{
    Data, Descent, Draw, EngineChoice, Error, Matrix, Mixture, Network, Noise, Options, Precision, Problem, Row, Start,
    Watch,
};
use farfield_kernels::plan::{Plan, Shape};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};

/// Messages between threads of this process.
struct Threads {
    rank: usize,
    to: Vec<Mutex<Sender<Vec<f64>>>>,
    from: Vec<Mutex<Receiver<Vec<f64>>>>,
    numbers: Arc<AtomicUsize>, // sent, by all of them
}

impl Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "rank {} of {}", self.rank, self.to.len())
    }
}

impl Link for Threads {
    fn ranks(&self) -> usize {
        self.to.len()
    }
    fn rank(&self) -> usize {
        self.rank
    }
    fn send(&self, to: usize, numbers: &[f64]) {
        self.numbers.fetch_add(numbers.len(), Ordering::Relaxed);
        self.to[to].lock().expect("no panic").send(numbers.to_vec()).expect("a receiver");
    }
    fn receive(&self, from: usize, numbers: &mut [f64]) {
        let sent = self.from[from].lock().expect("no panic").recv().expect("a sender");
        numbers.copy_from_slice(&sent); // also says that the lengths agree
    }
}

/// Links between so many ranks, and how many numbers they have sent.
fn links(ranks: usize) -> (Vec<Arc<dyn Link>>, Arc<AtomicUsize>) {
    let numbers = Arc::new(AtomicUsize::new(0));
    let mut to: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    let mut from: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    for sender in &mut to {
        for receivers in &mut from {
            let (send, receive) = channel();
            sender.push(Mutex::new(send));
            receivers.push(Mutex::new(receive));
        }
    }
    let link = |(rank, (to, from))| Arc::new(Threads { rank, to, from, numbers: numbers.clone() }) as Arc<dyn Link>;
    (to.into_iter().zip(from).enumerate().map(link).collect(), numbers.clone())
}

struct Case {
    mixture: Mixture,
    draw: Draw,
    m: usize,
}

impl Case {
    fn new(n: usize, d: usize, m: usize, label_noise: f64) -> Self {
        let mixture = Mixture::new(4.0, vec![1.0; d], Noise::Gaussian);
        Self { mixture, draw: Draw { n, balance: 0.5, label_noise, seed: 3 }, m }
    }

    /// The data over so many ranks, and the others at work.
    fn shared(&self, ranks: usize, affordable: bool) -> (Data, Vec<JoinHandle<f64>>) {
        let (data, others, _) = self.counted(ranks, affordable);
        (data, others)
    }

    /// The same, with the count of the numbers that are sent.
    fn counted(&self, ranks: usize, affordable: bool) -> (Data, Vec<JoinHandle<f64>>, Arc<AtomicUsize>) {
        let slab = |link, draw: &Draw, mixture: &Mixture| slabs::draw(link, mixture, draw, &Watch::default());
        let (links, numbers) = links(ranks);
        let mut links = links.into_iter();
        let root = links.next().expect("a root");
        let others = links.map(|link| {
            let (draw, mixture) = (self.draw, self.mixture.clone());
            spawn(move || serve(&slab(link, &draw, &mixture).expect("a slab")))
        });
        let others = others.collect();
        let slabs = Slabs::new(slab(root, &self.draw, &self.mixture).expect("a slab"), affordable);
        let data = Data::draw_shared(slabs, self.mixture.clone(), &self.draw, &Watch::default()).expect("data");
        (data, others, numbers)
    }

    fn alone(&self) -> Data {
        Data::draw(self.mixture.clone(), &self.draw).expect("data")
    }

    fn problem(&self, data: &Data) -> Problem {
        Problem::new(data, Network::new(self.m, self.m.div_ceil(2), 0.1).expect("a network")).expect("a problem")
    }

    /// The digest of a run that goes on from the state of another one at half its way.
    fn broken(&self, data: &Data, options: &Options) -> String {
        let (problem, start) = (self.problem(data), Start::gaussian(1e-4, 5));
        let mut first = Descent::with(&problem, &start, options).expect("a descent");
        first.run((options.planned / 2.0).floor(), |_: &Row| std::ops::ControlFlow::Continue(()));
        let mut second = Descent::resume(&problem, &start, options, &first.save()).expect("a descent");
        second.run(options.planned, |_: &Row| std::ops::ControlFlow::Continue(()));
        second.outcome(0).digest
    }

    /// What is to have the same bits: the digest of the state, λ, w̄ and W.
    fn run(&self, data: &Data, options: &Options) -> (String, Vec<f64>, Vec<f64>, Vec<f64>) {
        let problem = self.problem(data);
        let mut descent = Descent::with(&problem, &Start::gaussian(1e-4, 5), options).expect("a descent");
        descent.run(options.planned, |_: &Row| std::ops::ControlFlow::Continue(()));
        let outcome = descent.outcome(0);
        let limit = descent.monitor().limit();
        let lambda = limit.map(|limit| limit.lambda.clone()).unwrap_or_default();
        let plane = limit.map(|limit| limit.boundary_on(data.samples())).unwrap_or_default();
        (outcome.digest, lambda, plane, descent.iterate().weights().into_values())
    }
}

fn end(data: &Data, others: Vec<JoinHandle<f64>>) {
    let X::Apart(slabs) = data.samples() else { panic!("shared out") };
    slabs.end(7);
    others.into_iter().for_each(|other| assert_eq!(other.join().expect("no panic"), 7.0));
}

#[test]
fn columns_are_shared_out() {
    for (ranks, d) in [(1, 5), (2, 5), (3, 1000), (4, 67), (7, 100_000)] {
        let all: Vec<usize> = (0..ranks).flat_map(|rank| columns_of(rank, ranks, d)).collect();
        assert_eq!(all, (0..d).collect::<Vec<_>>(), "{ranks} {d}");
    }
}

/// Shapes with parts of columns that end within a slab, at its end, and in the next ones; with one part for all ranks;
/// with ranks that have no columns.
#[test]
fn any_number_of_ranks_gives_the_same_numbers() {
    for (n, d) in [(20, 30_001), (150, 5000), (700, 333), (5, 3), (9, 100), (120, 2049)] {
        let case = Case::new(n, d, 4, 0.0);
        let alone = case.alone();
        let w = initial_weights(3, d, 1.0, 1, Stream::Polar);
        let c: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        for ranks in 1..=4 {
            let (data, others) = case.shared(ranks, true);
            assert_eq!(data.gram().expect("K").0, alone.gram().expect("K").0, "{n} {d} {ranks}");
            assert_eq!(data.samples().preactivations(&w), alone.samples().preactivations(&w), "{n} {d} {ranks}");
            assert_eq!(data.samples().combinations(&[&c, &c]), alone.samples().combinations(&[&c, &c]));
            assert_eq!(data.digest(), alone.digest());
            assert_eq!(data.lambda_max(), alone.lambda_max());
            assert_eq!(data.x(), alone.x());
            end(&data, others);
        }
    }
}

/// Steps on K ask for Z once, and for no samples: at most all of W(0) goes out, and over each boundary 32 sums for each z with
/// their ends.
#[test]
fn a_descent_on_k_gathers_nothing() {
    let case = Case::new(20, 30_001, 4, 0.0);
    let (data, others, numbers) = case.counted(3, true);
    let problem = Problem::new(&data, Network::new(4, 2, 0.1).expect("a network")).expect("a problem");
    let before = numbers.load(Ordering::Relaxed);
    // K: 24 pieces of 20×20 numbers, and over each of two boundaries eight lanes of at most 32×32 sums; then few words
    assert!(before > 0 && before <= 24 * 400 + 2 * 8 * 32 * 32 + 64, "{before}");
    let options = Options { engine: EngineChoice::Gram, planned: 1e6, ..Options::default() };
    let descent = Descent::with(&problem, &Start::gaussian(1e-4, 5), &options).expect("a descent");
    let sent = numbers.load(Ordering::Relaxed) - before;
    assert!(sent > 0 && sent <= 4 * 30_001 + 2 * (32 + 1) * 20 * 4 + 64, "{sent}"); // X away from the root has 400 000
    drop(descent);
    end(&data, others);
}

#[test]
fn runs_have_the_same_bits() {
    let gram = Options { engine: EngineChoice::Gram, planned: 1e12, ..Options::default() };
    let direct = Options { engine: EngineChoice::Direct, planned: 200.0, ..Options::default() };
    for (case, options) in [
        (Case::new(20, 301, 4, 0.0), &gram),
        (Case::new(24, 1000, 6, 0.2), &gram),
        (Case::new(20, 301, 4, 0.0), &direct),
        (Case::new(10, 33, 4, 0.0), &Options { precision: Precision::Mixed, ..direct.clone() }),
        (Case::new(30, 20, 4, 0.0), &direct), // more samples than columns
    ] {
        let alone = case.run(&case.alone(), options);
        assert!(!alone.0.is_empty() && !alone.3.is_empty());
        for ranks in 2..=3 {
            let (data, others) = case.shared(ranks, true);
            assert_eq!(case.run(&data, options), alone, "{ranks}");
            end(&data, others);
        }
    }
}

/// Steps on X over several processes: lanes of each kind, chunks that ranks' boundaries cut, ranks without chunks or columns,
/// neurons that are tied and part again; and the same from a saved state on.
#[test]
fn steps_on_columns_that_are_shared_out_have_the_same_bits() {
    let options =
        |precision, planned| Options { engine: EngineChoice::Direct, precision, planned, ..Options::default() };
    let (mut lanes, mut tied) = (Vec::new(), 0);
    for (n, d, m, noise) in [
        (20, 30_001, 1, 0.0),
        (20, 5000, 6, 0.2),
        (150, 1100, 2, 0.0),
        (33, 257, 16, 0.2),
        (3, 5, 4, 0.0),
        (520, 530, 4, 0.0),
    ] {
        for options in [options(Precision::F64, 60.0), options(Precision::F32, 60.0)] {
            let case = Case::new(n, d, m, noise);
            let data = case.alone();
            let alone = case.run(&data, &options);
            let network = Network::new(m, m.div_ceil(2), 0.1).expect("a network");
            let w = initial_weights(m, d, 1e-4, 5, Stream::Polar);
            let how = fused::Options { precision: options.precision, tied: true, nest: None };
            let law = (farfield::Loss::Exponential, 1e-4);
            let mut steps = Fused::new(data.samples(), data.y(), &network, law, &w, &how);
            lanes.push(steps.lanes());
            (0..20).for_each(|_| {
                steps.step();
            });
            tied += usize::from(steps.groups() < m);
            for ranks in 2..=4 {
                let affordable = ranks < 4; // λ is refined where the root may hold X
                let (data, others) = case.shared(ranks, affordable);
                let found = case.run(&data, &options);
                let same = (&found.0, &found.3) == (&alone.0, &alone.3) && (found == alone || !affordable);
                assert!(same, "{n} {d} {m}: {ranks}");
                assert_eq!(case.broken(&data, &options), alone.0, "{n} {d} {m}: {ranks}");
                end(&data, others);
            }
        }
    }
    assert!([Lanes::Columns, Lanes::Samples, Lanes::Neurons].iter().all(|kind| lanes.contains(kind)), "{lanes:?}");
    assert!(tied > 0);
}

/// A step sends S to each other rank, and one share of Z over each boundary and back.
#[test]
fn a_step_on_x_sends_as_many_numbers_as_are_stated() {
    for (n, d, m, ranks) in [(33, 3000, 16, 2), (33, 3000, 16, 3), (20, 5000, 6, 4)] {
        let case = Case::new(n, d, m, 0.0);
        let (data, others, numbers) = case.counted(ranks, false);
        let network = Network::new(m, m / 2, 0.1).expect("a network");
        let how = fused::Options { precision: Precision::F64, tied: false, nest: None };
        let law = (farfield::Loss::Exponential, 1e-4);
        let w = initial_weights(m, d, 1e-4, 5, Stream::Polar);
        let mut steps = Fused::new(data.samples(), data.y(), &network, law, &w, &how);
        let plan = Plan::new::<f64>(Shape { n, d, m }, None);
        let share = if plan.lanes == Lanes::Columns { 8 * n * m } else { plan.coefficients::<f64>() };
        let before = numbers.load(Ordering::Relaxed);
        (0..10).for_each(|_| {
            steps.step();
        });
        let sent = numbers.load(Ordering::Relaxed) - before;
        assert_eq!(sent, 10 * ((ranks - 1) * (2 + plan.coefficients::<f64>()) + ranks * share), "{n} {d} {m} {ranks}");
        end(&data, others);
    }
}

/// Where the root may not hold X, steps on K still go the same way; mixed steps on X are refused.
#[test]
fn a_root_without_room_takes_steps_on_k() {
    let case = Case::new(20, 301, 4, 0.0);
    let options = Options { engine: EngineChoice::Gram, planned: 1e12, ..Options::default() };
    let (data, others) = case.shared(3, false);
    let (digest, lambda, ..) = case.run(&data, &options);
    let alone = case.run(&case.alone(), &options);
    assert_eq!(digest, alone.0);
    lambda.iter().zip(&alone.1).for_each(|(a, b)| assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} {b}"));
    let problem = Problem::new(&data, Network::new(4, 2, 0.1).expect("a network")).expect("a problem");
    let mixed = Options { engine: EngineChoice::Direct, precision: Precision::Mixed, ..options };
    assert!(matches!(Descent::with(&problem, &Start::gaussian(1e-4, 5), &mixed), Err(Error::Options(_))));
    end(&data, others);
}

#[test]
fn numbers_that_are_not_finite_are_found_where_they_are() {
    let link = links(2).0.remove(1);
    let mut x = Matrix::zeros(2, 36);
    x[(1, 3)] = f64::INFINITY;
    let error = Slab::new(link.clone(), x, 68).expect_err("not finite");
    assert_eq!(error, Error::NotFinite { sample: 1, feature: 35, value: f64::INFINITY });
    assert!(matches!(Slab::new(link, Matrix::zeros(2, 35), 68), Err(Error::Shape { .. })));
}
