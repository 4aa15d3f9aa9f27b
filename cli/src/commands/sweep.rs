//! `farfield sweep`.

use super::print;
use crate::error::{Result, input_error};
use crate::signals::Signals;
use crate::sweep::home::{check_cells, plan_of, settle};
use crate::sweep::plan::Plan;
use crate::sweep::progress::{Display, Tally, duration};
use crate::sweep::shard::{Part, Shard};
use crate::sweep::solve::{Kept, samples, solve};
use crate::sweep::{State, merge, states, status, work};
use crate::threads;
use clap::Args;
use farfield::Stop;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["plan", "status", "merge"]))]
pub struct SweepArgs {
    /// The plan in TOML: base, grid, seeds, mode
    plan: Option<PathBuf>,
    /// Output folder; a sweep that was interrupted goes on where it was
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Take the I-th of K parts of the problems
    #[arg(long, value_name = "I/K", default_value = "1/1", hide_default_value = true)]
    shard: Part,
    /// Number of threads [default: SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, or all cores]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=threads::MOST.into()))]
    threads: Option<u16>,
    /// Also repeat problems that ended in an error
    #[arg(long)]
    retry_failed: bool,
    /// Print the cells and an estimate of the time, and stop
    #[arg(long)]
    dry_run: bool,
    /// Say how far the shards in this folder have come
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "shard", "threads", "retry_failed", "dry_run"])]
    status: Option<PathBuf>,
    /// Write sweep.csv and summary.csv from the shards in this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "shard", "threads", "retry_failed", "dry_run"])]
    merge: Option<PathBuf>,
}

/// The exit code of a sweep with failed problems.
const SOME_FAILED: u8 = 4;

pub fn execute(args: &SweepArgs, signals: &Signals) -> Result<u8> {
    if let Some(dir) = &args.status {
        return print(&status::report(&plan_of(dir)?, dir)?).map(|()| 0);
    }
    if let Some(dir) = &args.merge {
        return merged(dir);
    }
    let path = args.plan.as_ref().ok_or_else(|| input_error!("a plan is needed"))?;
    let plan = Plan::read(path)?;
    let threads = threads::count(args.threads.unwrap_or(0).into())?;
    if args.dry_run {
        return dry_run(&plan, args.shard, threads, signals);
    }
    let dir = args.output.as_ref().ok_or_else(|| input_error!("where to? choose a folder with -o DIR"))?;
    sweep(&plan, dir, args, threads, signals)
}

fn sweep(plan: &Plan, dir: &Path, args: &SweepArgs, threads: usize, signals: &Signals) -> Result<u8> {
    let begun = Instant::now();
    let part = args.shard;
    let team = threads::singles(threads)?;
    settle(plan, dir)?;
    let todo = |states: &[State]| -> Vec<u64> {
        let wanted = |s: State| s == State::Missing || args.retry_failed && s == State::Failed;
        (0..plan.problems()).filter(|p| part.holds(*p) && wanted(states[*p as usize])).collect()
    };
    let mut interrupted = false;
    let mut found = states(plan, dir)?;
    if !todo(&found).is_empty() {
        let mut shard = Shard::claim(dir, part)?;
        // what another process has written before the claim is known only now
        let list = todo(&states(plan, dir)?);
        check_cells(plan, &list)?;
        let stop = signals.defer();
        let tally = Tally::new(list.len() as u64);
        let mut display = Display::new(&tally);
        work::run(plan, list, &team, &mut shard, stop, &tally, || display.show(&tally))?;
        drop(display);
        interrupted = stop.raised();
        found = states(plan, dir)?;
    }
    let count = |state| (0..plan.problems()).filter(|p| part.holds(*p) && found[*p as usize] == state).count();
    let (done, failed, left) = (count(State::Done), count(State::Failed), count(State::Missing));
    let (seconds, folder) = (duration(begun.elapsed().as_secs_f64()), dir.display());
    let next = match (left, failed) {
        (1.., _) => "run it again to go on".to_string(),
        (0, 1..) => format!("farfield sweep --status {folder} names them"),
        (0, 0) => format!("farfield sweep --merge {folder} writes the tables"),
    };
    print(&format!("{done} done, {failed} failed, {left} left, in {seconds}; {next}\n"))?;
    Ok(match (interrupted, failed) {
        (true, _) => signals.code(),
        (false, 0) => 0,
        (false, _) => SOME_FAILED,
    })
}

fn merged(dir: &Path) -> Result<u8> {
    let found = merge::merge(&plan_of(dir)?, dir)?;
    let notes = [(found.missing, "missing"), (found.failed, "failed"), (found.damaged, "damaged lines")];
    let notes: String = notes.iter().filter(|(k, _)| *k > 0).map(|(k, what)| format!(", {k} {what}")).collect();
    print(&format!("{} problems{notes}: {dir}/sweep.csv, {dir}/summary.csv\n", found.rows, dir = dir.display()))?;
    Ok(0)
}

/// Problems of the sample that a dry run times, and the seconds it may take.
const SAMPLE: usize = 8;
const BUDGET: f64 = 5.0;

fn dry_run(plan: &Plan, part: Part, threads: usize, signals: &Signals) -> Result<u8> {
    let problems: Vec<u64> = (0..plan.problems()).filter(|p| part.holds(*p)).collect();
    check_cells(plan, &problems)?;
    let mut text = String::new();
    for cell in 0..plan.cells() {
        text += &format!("{}\n", plan.describe(cell));
    }
    print(&text)?;
    let pool = threads::pool(1)?;
    let stop: &Stop = signals.defer();
    let (begun, mut timed, mut failures) = (Instant::now(), 0, 0);
    let mut last = begun;
    let sample = SAMPLE.min(problems.len());
    for k in 0..sample {
        let problem = problems[(2 * k + 1) * problems.len() / (2 * sample)];
        let Some(record) = pool.install(|| solve(plan, problem, &mut Kept::default(), samples, stop)) else { break };
        failures += usize::from(record.status == crate::sweep::line::FAILED);
        timed += 1;
        last = Instant::now();
        if stop.raised() || last.duration_since(begun).as_secs_f64() > BUDGET {
            break;
        }
    }
    let (cells, seeds, count) = (plan.cells(), plan.seeds, problems.len());
    let mut line = format!("{cells} cells x {seeds} seeds, {count} problems in this shard");
    if timed > 0 {
        let each = last.duration_since(begun).as_secs_f64() / timed as f64;
        let whole = duration(each * count as f64 / threads as f64);
        line += &format!(": about {whole} on {threads} threads, from {timed} of them, {:.2} ms each", 1e3 * each);
    }
    if failures > 0 {
        line += &format!("; {failures} of them failed");
    }
    print(&format!("{line}\n"))?;
    Ok(if stop.raised() { signals.code() } else { 0 })
}
