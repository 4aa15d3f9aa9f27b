//! A run that is saved at any moment, and resumed from the bytes as a new one, shows the same rows and ends in the same
//! bits as one that nothing interrupts: what the monitor remembers and what the run decides with are saved, too.

use farfield::{
    Cause, Data, Descent, Draw, EngineChoice, Matrix, Mixture, Moment, Network, Noise, Observer, Options, Precision,
    Problem, Row, Start, State, Status, Stop,
};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

struct Case {
    name: &'static str,
    problem: Problem,
    start: Start,
    options: Options,
    status: Status,
}

fn case(name: &'static str, data: &Data, width: usize, options: Options, status: Status) -> Case {
    let problem = Problem::new(data, Network::balanced(width, 0.1).expect("a network")).expect("a problem");
    Case { name, problem, start: Start::gaussian(1e-4, 1), options, status }
}

fn mixture(n: usize, d: usize, signal: f64, label_noise: f64, seed: u64) -> Data {
    let draw = Draw { n, balance: 0.5, label_noise, seed };
    Data::draw(Mixture::new(signal, vec![1.0; d], Noise::Gaussian), &draw).expect("samples")
}

fn options(steps: f64) -> Options {
    Options { planned: steps, samples_per_decade: 8, ..Options::default() }
}

/// Points at half angles and their opposites with another label: nothing separates them.
fn inseparable() -> Data {
    let x = vec![1.0, 0.0, 0.6, 0.8, 1.0, 0.0, -0.6, 0.8];
    Data::new(Matrix::new(4, 2, x), vec![1.0, 1.0, -1.0, -1.0]).expect("samples")
}

fn cases() -> Vec<Case> {
    let calm = mixture(30, 200, 8.0, 0.0, 2);
    let chatter = mixture(40, 500, 6.0, 0.15, 3);
    let changing = mixture(50, 200, 6.0, 0.15, 6);
    let tall = mixture(500, 12, 4.0, 0.0, 4);
    let direct = |precision| Options { engine: EngineChoice::Direct, precision, ..options(3e3) };
    let steps = Options { warp: false, engine: EngineChoice::Gram, ..options(2e4) };
    let mixed = Options { precision: Precision::Mixed, engine: EngineChoice::Gram, ..options(1e30) };
    let tolerant = Options { angle_tolerance: 0.1, ..options(1e30) };
    vec![
        case("direct", &calm, 6, direct(Precision::F64), Status::Horizon),
        case("direct f32", &calm, 6, direct(Precision::F32), Status::Horizon),
        case("direct mixed", &calm, 6, direct(Precision::Mixed), Status::Horizon),
        case("gram", &calm, 6, steps, Status::Horizon),
        case("warp", &calm, 6, options(1e60), Status::Horizon),
        case("warp mixed", &calm, 6, mixed, Status::Horizon),
        case("tolerance", &calm, 6, tolerant, Status::Tolerance),
        case("sliding", &chatter, 6, options(1e40), Status::Horizon),
        // sides change at many looks: the limit of one is searched from that of the one before
        case("sides that change", &changing, 6, options(1e12), Status::Horizon),
        case("many samples", &tall, 6, options(2e4), Status::Horizon),
        case("inseparable", &inseparable(), 4, options(1e15), Status::NotSeparable),
    ]
}

/// A row but for wall-clock times.
fn text(row: &Row) -> String {
    let mut row = row.clone();
    row.rounding.iter_mut().for_each(|rounding| rounding.anchor_seconds = 0.0);
    format!("{row:?}")
}

/// Keeps rows, and leaves the run at the first state after some time.
struct Keeper<'a> {
    rows: &'a mut Vec<String>,
    found: Option<(State, Moment)>,
    leaves: bool,
}

impl Observer for Keeper<'_> {
    fn row(&mut self, row: &Row) -> ControlFlow<()> {
        self.rows.push(text(row));
        Continue(())
    }

    fn state(&mut self, state: State, moment: Moment) -> ControlFlow<()> {
        self.found = Some((state, moment));
        if self.leaves && moment.cause == Cause::Asked { Break(()) } else { Continue(()) }
    }
}

/// Runs until a thread asks for a state after some time, or to the end; the end, and the last state shown.
fn until(
    descent: &mut Descent,
    horizon: f64,
    after: Duration,
    rows: &mut Vec<String>,
) -> (Option<Status>, Option<(State, Moment)>) {
    let (flag, over) = (Stop::default(), AtomicBool::new(false));
    descent.saves(&flag);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            while begun.elapsed() < after && !over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            flag.raise();
        });
        let mut keeper = Keeper { rows, found: None, leaves: true };
        let status = descent.run_saving(horizon, &mut keeper).map(|ended| ended.status);
        over.store(true, Ordering::Relaxed);
        (status, keeper.found)
    })
}

/// Numbers from 0 to 1 that look random.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn resumed(case: &Case, state: &State) -> Descent {
    let again = State::from_bytes(&state.to_bytes()).expect("whole");
    let descent = Descent::resume(&case.problem, &case.start, &case.options, &again).expect(case.name);
    assert!(descent.save().to_bytes() == again.to_bytes(), "{}: restored to another state", case.name);
    descent
}

#[test]
fn rows_and_bits_are_those_of_the_run_that_nothing_interrupts() {
    let mut dice = Dice(1);
    for case in cases() {
        let horizon = case.options.planned;
        let fresh = || Descent::with(&case.problem, &case.start, &case.options).expect("a start");
        let (mut expected, mut through) = (Vec::new(), fresh());
        let begun = Instant::now();
        let status = through.run(horizon, |row| {
            expected.push(text(row));
            Continue(())
        });
        assert_eq!(status.status, case.status, "{}", case.name);
        let (whole, digest) = (begun.elapsed(), through.outcome(0).digest);
        let mut stops = 0;
        for _ in 0..100 {
            stops += interrupted(&case, fresh(), whole, &mut dice, (&expected, &digest));
            if stops >= 6 {
                break;
            }
        }
        println!("{}: resumed {stops} times in {} rows", case.name, expected.len());
        assert!(stops >= 6, "{}: {stops}", case.name);
    }
}

/// Runs to the end with states taken on the way, each of which another run goes on from; how many.
fn interrupted(
    case: &Case,
    mut descent: Descent,
    whole: Duration,
    dice: &mut Dice,
    (expected, digest): (&[String], &str),
) -> u32 {
    let (mut stops, mut rows, horizon) = (0, Vec::new(), case.options.planned);
    loop {
        // Longer and longer, so that it comes to its end.
        let part = 0.1 * dice.throw() * f64::from(1 + stops / 10);
        let (status, found) = until(&mut descent, horizon, whole.mul_f64(part), &mut rows);
        let (state, moment) = found.expect("a state when asked, or at the end");
        let Some(status) = status else {
            assert_eq!(rows.len() as u64, moment.rows, "{}", case.name);
            assert!(rows[..] == expected[..rows.len()], "{}", case.name);
            descent = resumed(case, &state);
            stops += 1;
            continue;
        };
        assert_eq!((status, moment.cause), (case.status, Cause::Ended), "{}", case.name);
        assert_eq!(descent.outcome(0).digest, digest, "{}", case.name);
        assert!(rows == expected, "{}", case.name);
        // The last state is that before the last row, and ends as the run did.
        rows.truncate(moment.rows as usize);
        let mut again = resumed(case, &state);
        let (status, _) = until(&mut again, horizon, Duration::MAX, &mut rows);
        assert!(status == Some(case.status) && rows == expected, "{}, the end again: {status:?}", case.name);
        assert_eq!(again.outcome(0).digest, digest, "{}, the end again", case.name);
        return stops;
    }
}

/// A run that has ended goes on to a farther horizon, with the rows of a run that goes there at once.
#[test]
fn a_farther_horizon() {
    let case = &cases()[4];
    let (near, far) = (1e6, 1e30);
    let run = |planned| Options { planned, ..case.options.clone() };
    let mut rows = Vec::new();
    let mut first = Descent::with(&case.problem, &case.start, &run(near)).expect("a start");
    let (status, found) = until(&mut first, near, Duration::MAX, &mut rows);
    let (state, moment) = found.expect("the last state");
    assert_eq!((status, moment.t), (Some(Status::Horizon), near));
    rows.truncate(moment.rows as usize);
    let mut second = Descent::resume(&case.problem, &case.start, &run(far), &state).expect("its own state");
    let (status, _) = until(&mut second, far, Duration::MAX, &mut rows);
    assert_eq!(status, Some(Status::Horizon));
    let mut at_once = Vec::new();
    let mut through = Descent::with(&case.problem, &case.start, &run(far)).expect("a start");
    through.run(far, |row| {
        at_once.push(text(row));
        Continue(())
    });
    assert!(rows == at_once, "{} and {} rows", rows.len(), at_once.len());
    assert_eq!(second.outcome(0).digest, through.outcome(0).digest);
}

/// What a run decides with is checked when it is read: fields that are missing, unknown, or cannot be.
#[test]
fn damaged_fields_of_a_run_are_errors() {
    let cases = cases();
    for case in [&cases[4], &cases[7], &cases[8]] {
        let mut rows = Vec::new();
        let mut descent = Descent::with(&case.problem, &case.start, &case.options).expect("a start");
        let (_, found) = until(&mut descent, case.options.planned, Duration::MAX, &mut rows);
        let (state, _) = found.expect("the last state");
        let refused = |other: &State| Descent::resume(&case.problem, &case.start, &case.options, other).is_err();
        let own: Vec<(String, Vec<f64>)> = state
            .fields()
            .filter(|(name, ..)| name.starts_with("run."))
            .map(|(name, _, values)| (name.to_owned(), values.to_vec()))
            .collect();
        assert!(own.len() >= 6, "{own:?}");
        let carried = own.iter().any(|(name, values)| name == "run.monitor.slid.from.samples" && !values.is_empty());
        assert_eq!(carried, case.name == "sides that change", "{}", case.name);
        for (name, values) in own {
            let with = |name: &str, values: Vec<f64>| {
                let mut other = state.clone();
                other.insert(name, farfield::state::Class::Beside, values);
                other
            };
            let mut without = state.clone();
            without.remove(&name);
            assert!(refused(&without), "{}: {name} missing", case.name);
            assert!(refused(&with(&format!("{name}s"), values.clone())), "{}: {name}s", case.name);
            assert!(refused(&with(&name, [&values[..], &[0.5]].concat())), "{}: {name} longer", case.name);
            if name != "run.monitor.ties" && name != "run.rest" {
                let bad = values.iter().map(|_| f64::NAN).collect::<Vec<_>>();
                assert!(values.is_empty() || refused(&with(&name, bad)), "{}: {name} is no number", case.name);
            }
        }
    }
}
