#[path = "../tests/problems/mod.rs"]
mod problems;
use farfield::descent::horizon::{Horizon, Options};
use farfield::descent::*;
use problems::*;
fn diff(a: &[f64], b: &[f64]) -> f64 {
    let top = a.iter().fold(0.0f64, |top, a| top.max(a.abs()));
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top
}
fn main() {
    let mut worst = f64::INFINITY;
    let mut all = vec![];
    for seed in 0..6 {
        for r in settling() {
            if r.n > 20 {
                continue;
            }
            let p = problem(&Recipe { seed: r.seed + 100 * seed, ..r.clone() });
            let mut steps =
                Horizon::new(p.clone(), 0.0, Flips::default(), Options { warp: false, ..Options::default() });
            for t in [5e3, 2e4, 1e5] {
                steps.advance(t, &Stop::default());
                for targets in [1, 3, 50] {
                    let mut warp = Horizon::new(p.clone(), 0.0, Flips::default(), Options::default());
                    for k in 1..=targets {
                        warp.advance((t * 10f64.powf((k as f64 - targets as f64) / 10.0)).round(), &Stop::default());
                    }
                    let q = |e: &Horizon| p.network.margins(e.iterate().compensated_preactivations().hi(), &p.labels);
                    let d = diff(&q(&steps), &q(&warp));
                    let est: f64 = warp.segments().iter().map(|s| s.error_estimate).sum();
                    if warp.flips() != steps.flips() {
                        println!("FLIPS {} {seed} {t:e} {targets} {:?} {:?}", r.name, steps.flips(), warp.flips());
                    }
                    if est < 2.0 * d {
                        println!("{} {seed} {t:e} {targets} {d:.1e} {est:.1e}", r.name);
                    }
                    if est > 0.0 {
                        worst = worst.min(est / d);
                        all.push(est / d);
                    }
                }
            }
            if seed == 0 {
                let mut warp = Horizon::new(p.clone(), 0.0, Flips::default(), Options::default());
                let s = std::time::Instant::now();
                warp.advance(1e300, &Stop::default());
                println!(
                    "{} single 1e300: {:?} {:?}",
                    r.name,
                    s.elapsed(),
                    warp.segments().last().map(|s| s.error_estimate)
                );
            }
        }
    }
    all.sort_by(f64::total_cmp);
    println!("worst {worst} median {} of {}", all[all.len() / 2], all.len());
}
