//! Warp against step-by-step descent.

mod problems;

use farfield::descent::horizon::{Horizon, Options};
use farfield::descent::{Engine, Flips, Reached, Stop};
use problems::{Recipe, problem};

#[test]
fn explore() {
    for recipe in problems::all() {
        let p = problem(&recipe);
        let mut step = Horizon::new(p.clone(), 0.0, Flips::default(), Options { warp: false, ..Options::default() });
        let mut warp = Horizon::new(p.clone(), 0.0, Flips::default(), Options::default());
        println!("{recipe:?}");
        for t in [1e3, 2e3, 4e3, 1e4, 3e4, 1e5, 3e5] {
            if t * (recipe.n * recipe.n) as f64 > 1.3e8 {
                break;
            }
            assert_eq!(step.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(warp.advance(t, &Stop::default()), Reached::Target);
            let q = p.network.margins(step.view().preactivations(), &p.labels);
            let r = p.network.margins(warp.view().preactivations(), &p.labels);
            let top = q.iter().fold(0.0f64, |a, b| a.max(b.abs()));
            let d = q.iter().zip(&r).fold(0.0f64, |a, (q, r)| a.max((q - r).abs())) / top;
            let est: f64 = warp.segments().iter().map(|s| s.error_estimate).sum();
            println!(
                "  t {t:e} diff {d:.2e} est {est:.2e} ratio {:.1} min q {:.2} flips {:?} {:?} segs {} hold {:?}",
                est / d,
                q.iter().cloned().fold(f64::INFINITY, f64::min),
                step.flips(),
                warp.flips(),
                warp.segments().len(),
                warp.hold()
            );
        }
        let start = std::time::Instant::now();
        let mut t = 1e6;
        while t < 1e300 {
            t *= 1.77827941;
            let r = warp.advance(t, &Stop::default());
            if r != Reached::Target {
                println!("  {r:?} at {:e}", warp.t());
                break;
            }
            if start.elapsed().as_secs_f64() > 1.0 {
                break;
            }
        }
        println!(
            "  to {:e}: {:.3}s {:?} {:?} segs {}",
            warp.t(),
            start.elapsed().as_secs_f64(),
            warp.flips(),
            warp.hold(),
            warp.segments().len()
        );
        println!("   {:?}", warp.segments().last());
    }
}
