//! What every loss must fulfil.

use super::*;

/// From misclassified to far on the right side.
const MARGINS: [f64; 9] = [-3.0, -1.0, -0.1, 0.0, 0.2, 1.0, 5.0, 30.0, 300.0];

/// By central differences: `(log s)' = s'/s`, `(log ℓ)' = −s/ℓ`, and `s⁽ᵏ⁺¹⁾/s = (s⁽ᵏ⁾/s)' + (s⁽ᵏ⁾/s)(s'/s)`.
#[test]
fn derivatives_belong_together() {
    for loss in Loss::ALL {
        for q in MARGINS {
            let log = |q: f64| loss.log_weight((0.0, 0.0), (q, 0.0));
            // Steps of 2⁻¹⁷: truncation h²/6 of third derivatives, and rounding of numbers of size 2q + 1 over h.
            let h = 2f64.powi(-17);
            let bound = (2.0 * q.abs() + 1.0) * f64::EPSILON / h + 64.0 * h * h;
            let slope = |f: &dyn Fn(f64) -> f64| (f(q + h) - f(q - h)) / (2.0 * h);
            let ratios = loss.ratios(q);
            assert!((slope(&log) - ratios[0]).abs() < bound, "{loss} {q}: log s");
            let force = libm::exp(log(q) - loss.log_value(q));
            assert!(
                (slope(&|q| loss.log_value(q)) + force).abs() < bound * force.max(1.0),
                "{loss} {q}: log of the loss"
            );
            for k in 0..3 {
                let next = slope(&|q| loss.ratios(q)[k]) + ratios[k] * ratios[0];
                assert!((next - ratios[k + 1]).abs() < 16.0 * bound, "{loss} {q}: ratio {k}");
            }
            for (k, ratio) in ratios.iter().enumerate() {
                assert!(ratio.abs() <= loss.steepness().powi(k as i32 + 1), "{loss} {q}: steepness");
            }
        }
    }
}

/// `log s(q + δ) − log s(q)` and an offset that nearly cancels, to their last digits.
#[test]
fn logarithms_keep_their_digits() {
    for loss in Loss::ALL {
        for q in MARGINS {
            for by in [0.0, 1e-20, -1e-9, 0.5] {
                let change = loss.log_weight((0.0, 0.0), (q + by, 0.0)) - loss.log_weight((0.0, 0.0), (q, 0.0));
                let slack = 4.0 * f64::EPSILON * (1.0 + 2.0 * q.abs());
                assert!((loss.log_change(q, by) - change).abs() <= slack, "{loss} {q} {by}");
            }
        }
        let (q, tail) = (700.0, loss.tail());
        let at = |low: f64| loss.log_weight((tail * q, low), (q, 0.0));
        assert!(((at(1e-3) - at(0.0)) / 1e-3 - 1.0).abs() < 1e-12, "{loss}");
        let by = 1e-18 * q;
        let moved = |low: f64| loss.log_weight((tail * q, 0.0), (q, low));
        assert!((moved(by) - moved(0.0) + tail * by).abs() <= f64::EPSILON * moved(0.0).abs(), "{loss}");
    }
}

/// The weight of steps, in both number types, and the tail.
#[test]
fn weights_are_what_their_logarithms_say() {
    for loss in Loss::ALL {
        let mut out = [0.0; MARGINS.len()];
        loss.increments(&MARGINS, 0.5, &mut out);
        struct Single(f64);
        impl WithLoss for Single {
            type Output = f64;
            fn with_loss<L: LossFunction>(self) -> f64 {
                f64::from(L::weight(self.0 as f32))
            }
        }
        for (q, out) in MARGINS.iter().zip(out) {
            let (log, exact) = (loss.log_weight((0.0, 0.0), (*q, 0.0)), loss.weight(*q));
            // A relative error of a few units in the last place of the logarithm, which is of size 2q + 1.
            let bound = 4.0 * f64::EPSILON * (1.0 + log.abs());
            assert!((out / (0.5 * exact) - 1.0).abs() <= bound, "{loss} {q}: {out} {exact}");
            if log.abs() < 60.0 {
                let bound = 4.0 * f64::from(f32::EPSILON) * (1.0 + log.abs());
                assert!((loss.run(Single(*q)) / exact - 1.0).abs() <= bound, "{loss} {q} in f32");
            }
            assert!(loss.curvature(*q) > 0.0, "{loss} {q} is convex");
        }
        let far = |q: f64| loss.log_weight((loss.tail() * q, 0.0), (q, 0.0));
        assert!((far(500.0) - far(600.0)).abs() < 1e-12, "{loss}: its tail");
    }
}

#[test]
fn sums_have_no_range() {
    for loss in Loss::ALL {
        let (weights, largest) = loss.relative_weights(&[2000.0, 2001.0]);
        assert_eq!((weights[0], largest), (1.0, loss.log_weight((0.0, 0.0), (2000.0, 0.0))));
        assert!((weights[1] / libm::exp(-loss.tail()) - 1.0).abs() < 1e-12, "{loss}");
        let sum = loss.log_sum(&[2000.0, 2000.0]) - loss.log_value(2000.0);
        assert!((sum - std::f64::consts::LN_2).abs() < 1e-12, "{loss}");
        assert_eq!(Loss::named(loss.name()), Some(*loss));
    }
    assert_eq!(Loss::named("no such loss"), None);
}
