//! `farfield bench`: steps per second of a shape, next to what this machine can do at most.
//!
//! A plain step takes `4·n·d·m` flops (tied: P groups in place of m neurons) and reads the `n·d`
//! numbers of X once; a settled step of the reduced problem takes `2·n²` flops and reads `n²/2`
//! numbers. The *roof* is the longer of the two times at the multiply-add rate and the read bandwidth
//! measured in the same run, the latter on a buffer as large as what the step reads: from the cache
//! that holds it, or from memory.

mod machine;

use crate::error::{Result, input_error};
use crate::memory;
use crate::threads;
use farfield::descent::fused::{self, Fused, Isa, Lanes, Nest};
use farfield::gram::gram;
use farfield::rounding::AnchorJudge;
use farfield::{Matrix, Network, Precision};
use farfield_kernels::loss::Loss;
use farfield_kernels::settled::{OneThread, PackedSymmetric, Pair, Space};
pub use machine::Machine;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Which step to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The fused step on X.
    Direct,
    /// The settled step of the reduced problem, on a packed n×n matrix.
    Gram,
}

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Number of samples.
    pub n: usize,
    /// Number of features.
    pub d: usize,
    /// Number of neurons.
    pub width: usize,
    /// Precision of the products. In mixed a number of X takes 4 bytes, and the roof is that of f32.
    pub precision: Precision,
    /// Which step.
    pub engine: Engine,
    /// The loss.
    pub loss: Loss,
    /// Share work between neurons with equal updates.
    pub tied: bool,
    /// The loop nest; `None`: chosen by the shape.
    pub nest: Option<Nest>,
    /// Number of threads; 0: all.
    pub threads: usize,
    /// Seconds to spend on the steps.
    pub seconds: f64,
}

impl Default for Options {
    fn default() -> Self {
        let (n, d, width, precision) = (100, 10_000, 10, Precision::F64);
        let (engine, loss) = (Engine::Direct, Loss::Exponential);
        Self { n, d, width, precision, engine, loss, tied: true, nest: None, threads: 0, seconds: 1.0 }
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Number of samples.
    pub n: usize,
    /// Number of features.
    pub d: usize,
    /// Number of neurons.
    pub width: usize,
    /// f32, f64 or mixed.
    pub dtype: &'static str,
    /// Which step.
    pub engine: Engine,
    /// The loss.
    pub loss: &'static str,
    /// Distinct motions of neurons in the measured steps: the width if nothing is shared.
    pub groups: usize,
    /// Number of threads.
    pub threads: usize,
    /// Median steps per second.
    pub steps_per_s: f64,
    /// Gigabytes read per second.
    pub gb_per_s: f64,
    /// Gigaflops per second.
    pub gflop_per_s: f64,
    /// Speed in percent of the roof.
    pub percent_of_roof: f64,
    /// Share of the time that mixed steps on X spent in anchors, in percent.
    pub percent_in_anchors: Option<f64>,
    /// What makes the roof: compute, or the memory that holds the data: cache or dram.
    pub bound: &'static str,
    /// The instruction set.
    pub isa: &'static str,
    /// The loop nest: panels, rows, or settled.
    pub nest: &'static str,
    /// What neighbouring lanes of a vector hold.
    pub lanes: &'static str,
    /// What this machine can do.
    pub machine: Machine,
}

/// Measures.
///
/// # Errors
/// Sizes of 0 or a time that is not positive.
pub fn run(options: &Options) -> Result<Report> {
    if options.n == 0 || options.d == 0 || options.width == 0 {
        return Err(input_error!("n, d and width must be at least 1"));
    }
    if !(options.seconds > 0.0 && options.seconds.is_finite()) {
        return Err(input_error!("seconds must be positive, not {}", options.seconds));
    }
    if options.engine == Engine::Gram && options.precision == Precision::F32 {
        return Err(input_error!("settled steps are f64 or mixed"));
    }
    fits(options)?;
    Ok(threads::pool(options.threads)?.install(|| match options.engine {
        Engine::Direct => direct(options),
        Engine::Gram => settled(options),
    }))
}

/// Refuses a shape that would not fit: X as made and as packed, W and its copies, K and its half, and the buffers that
/// are read to see how fast this machine is.
fn fits(options: &Options) -> Result<()> {
    let (n, d, m) = (options.n as f64, options.d as f64, options.width as f64);
    let gram = if options.engine == Engine::Gram { 1.5 * n * n } else { 0.0 };
    let needed = 8.0 * (2.0 * n * d + 3.0 * m * d + 6.0 * n * m + gram) + (512 << 20) as f64;
    memory::room(needed, &format!("n = {n}, d = {d}, width = {m}"))
}

/// Numbers in (-1, 1) by Marsaglia's xorshift: cheap, and good enough to be multiplied.
fn noise(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Samples with a common signal in the first feature, alternating labels, small random weights.
fn problem(options: &Options) -> (Arc<Matrix>, Vec<f64>, Network, Matrix) {
    let (n, d, m) = (options.n, options.d, options.width);
    let y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let mut next = noise(0x9E37_79B9_7F4A_7C15);
    let mut x = Matrix::new(n, d, (0..n * d).map(|_| next()).collect());
    (0..n).for_each(|i| x[(i, 0)] += y[i] * (d as f64).sqrt());
    let network = Network { width: m, positive: m.div_ceil(2), leak: 0.1 };
    let weights = Matrix::new(m, d, (0..m * d).map(|_| next() * 1e-6).collect());
    (x.into(), y, network, weights)
}

fn direct(options: &Options) -> Report {
    let (x, y, network, weights) = problem(options);
    let (n, d) = (options.n, options.d);
    let largest = (0..n).map(|i| x.row(i).iter().map(|x| x * x).sum::<f64>()).fold(0.0, f64::max);
    let settings = fused::Options { precision: options.precision, tied: options.tied, nest: options.nest };
    let law = (options.loss, 1.0 / (largest * n as f64));
    let mut fused = Fused::new(&x.into(), &y, &network, law, &weights, &settings);
    drop(weights);
    // Until groups have formed, if they do, and mixed steps have passed their first anchors.
    let settling = if options.precision == Precision::Mixed { 64 } else { 2 };
    for _ in 0..if options.tied { settling.max(12) } else { settling } {
        fused.step();
    }
    let (start, before) = (Instant::now(), fused.judge());
    let rate = rate(options.seconds, || {
        fused.step();
    });
    let elapsed = start.elapsed().as_secs_f64();
    let spent = |(before, after): (AnchorJudge, AnchorJudge)| 100.0 * (after.seconds - before.seconds) / elapsed;
    let anchors = before.zip(fused.judge()).map(spent);
    let (dtype, size) = match options.precision {
        Precision::F64 => ("f64", 8),
        single => (single.name(), 4),
    };
    let work =
        Work { flops: 4.0 * n as f64 * d as f64 * fused.groups() as f64, bytes: n as f64 * d as f64 * f64::from(size) };
    let nest = match fused.nest() {
        Nest::Panels => "panels",
        Nest::Rows => "rows",
    };
    let lanes = match fused.lanes() {
        Lanes::Columns => "columns",
        Lanes::Samples => "samples",
        Lanes::Neurons => "neurons",
    };
    let groups = fused.groups();
    drop(fused);
    let report = report(options, work, rate, dtype, groups, nest, lanes);
    Report { percent_in_anchors: anchors, ..report }
}

/// Half of a symmetric matrix.
enum Packed {
    F64(PackedSymmetric<f64>),
    F32(PackedSymmetric<f32>),
}

fn settled(options: &Options) -> Report {
    let (x, y, ..) = problem(options);
    let n = options.n;
    let mut h = gram(&x);
    let top = (0..n).fold(0.0, |top: f64, i| top.max(h[(i, i)]));
    h.values_mut().iter_mut().enumerate().for_each(|(at, h)| *h *= y[at / n] * y[at % n] / top);
    let mixed = options.precision == Precision::Mixed;
    let h = if mixed {
        Packed::F32(PackedSymmetric::pack(h.values(), n))
    } else {
        Packed::F64(PackedSymmetric::pack(h.values(), n))
    };
    let (mut q, mut q_low, mut s, mut s_low) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let (limit, mut space, mut rounded) = (vec![f64::INFINITY; n], Space::new(n), Space::new(n));
    let alpha = 1.0 / n as f64;
    let rate = rate(options.seconds, || {
        let (q, sums) = (Pair { hi: &mut q, lo: &mut q_low }, Pair { hi: &mut s, lo: &mut s_low });
        match &h {
            Packed::F64(h) => h.advance((options.loss, alpha), q, sums, &limit, &mut space, &OneThread),
            Packed::F32(h) => {
                h.advance_mixed((options.loss, alpha, n as f64), q, sums, &limit, &mut rounded, &OneThread)
            }
        };
    });
    let work = Work { flops: 2.0 * (n * n) as f64, bytes: if mixed { 2.0 } else { 4.0 } * (n * n) as f64 };
    let options = Options { threads: 1, ..*options };
    report(&options, work, rate, options.precision.name(), 1, "settled", "columns")
}

/// What one step takes.
struct Work {
    flops: f64,
    bytes: f64,
}

/// Median calls per second over blocks of at least a twentieth of the time.
fn rate(seconds: f64, mut step: impl FnMut()) -> f64 {
    let timed = |count: usize, step: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..count).for_each(|_| step());
        start.elapsed().as_secs_f64()
    };
    let mut count = 1;
    let mut once = timed(count, &mut step);
    while once < seconds / 20.0 {
        count *= 2;
        once = timed(count, &mut step);
    }
    let blocks = ((seconds / once) as usize).max(3);
    let mut times: Vec<f64> = (0..blocks).map(|_| timed(count, &mut step)).collect();
    times.sort_by(f64::total_cmp);
    count as f64 / times[blocks / 2]
}

fn report(
    options: &Options,
    work: Work,
    rate: f64,
    dtype: &'static str,
    groups: usize,
    nest: &'static str,
    lanes: &'static str,
) -> Report {
    let threads = if options.engine == Engine::Gram { 1 } else { rayon::current_num_threads() };
    let machine = match dtype {
        "f64" => Machine::measure::<f64>(threads, work.bytes),
        _ => Machine::measure::<f32>(threads, work.bytes),
    };
    let compute = work.flops / (machine.fma_gflop_per_s * 1e9);
    let memory = work.bytes / (machine.data_gb_per_s * 1e9);
    let bound = match (compute >= memory, machine.data_gb_per_s < 1.5 * machine.dram_gb_per_s) {
        (true, _) => "compute",
        (false, true) => "dram",
        (false, false) => "cache",
    };
    Report {
        n: options.n,
        d: options.d,
        width: options.width,
        dtype,
        engine: options.engine,
        loss: options.loss.name(),
        groups,
        threads,
        steps_per_s: rate,
        gb_per_s: rate * work.bytes * 1e-9,
        gflop_per_s: rate * work.flops * 1e-9,
        percent_of_roof: 100.0 * rate * compute.max(memory),
        percent_in_anchors: None,
        bound,
        isa: Isa::current().name(),
        nest,
        lanes,
        machine,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { n, d, width, dtype, loss, threads, isa, nest, lanes, .. } = self;
        let m = &self.machine;
        writeln!(f, "shape      n = {n}, d = {d}, width = {width}, {loss} loss, {dtype}, {threads} thread(s), {isa}")?;
        writeln!(f, "step       {nest}, lanes along {lanes}, {} distinct motions of {width} neurons", self.groups)?;
        writeln!(
            f,
            "speed      {:.1} steps/s   {:.1} GFLOP/s   {:.1} GB/s",
            self.steps_per_s, self.gflop_per_s, self.gb_per_s
        )?;
        if let Some(percent) = self.percent_in_anchors {
            writeln!(f, "anchors    {percent:.1} % of the time")?;
        }
        writeln!(f, "roof       {:.0} % of what {} allows", self.percent_of_roof, self.bound)?;
        write!(
            f,
            "machine    {:.0} GFLOP/s; reads L2 {:.0}, L3 {:.0}, DRAM {:.1}, this data {:.1} GB/s",
            m.fma_gflop_per_s, m.l2_gb_per_s, m.l3_gb_per_s, m.dram_gb_per_s, m.data_gb_per_s
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_and_precision_reports_positive_numbers() {
        for (engine, precision, nest) in [
            (Engine::Direct, Precision::F64, None),
            (Engine::Direct, Precision::F32, Some(Nest::Rows)),
            (Engine::Direct, Precision::Mixed, None),
            (Engine::Gram, Precision::F64, None),
            (Engine::Gram, Precision::Mixed, None),
        ] {
            let loss = if nest.is_some() { Loss::Logistic } else { Loss::Exponential };
            let options =
                Options { n: 20, d: 300, width: 4, precision, engine, loss, nest, seconds: 0.01, ..Options::default() };
            let report = run(&options).expect("a report");
            assert_eq!(report.loss, loss.name());
            assert!(report.steps_per_s > 0.0 && report.percent_of_roof > 0.0, "{report}");
            assert!(report.machine.dram_gb_per_s > 0.0 && report.machine.fma_gflop_per_s > 0.0);
        }
    }

    #[test]
    fn sizes_of_zero_are_refused() {
        assert!(run(&Options { n: 0, ..Options::default() }).is_err());
        assert!(run(&Options { seconds: 0.0, ..Options::default() }).is_err());
    }
}
