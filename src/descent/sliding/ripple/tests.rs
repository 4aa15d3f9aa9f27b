//! The ripple of neurons whose way is known in closed form.

use super::super::mode::Place::{Above, Kink};
use super::*;
use crate::descent::span::SpanStart;
use crate::inner_products::Gram;
use crate::matrix::Matrix;
use crate::network::Network;
use farfield_kernels::loss::Loss;
use std::sync::Arc;

/// Two samples that mirror each other, each sliding on the neuron of the other sign with θ = c: ζ is a rotation,
/// even on (−B, A] with `A = a(c − γ)`, `B = a(1 − c)`, so `⟨ζ⟩ = (A − B)/2` and `⟨φ(ζ)⟩ = (A² − γB²)/2(A + B)`. The
/// rotation number A/(A + B) is the golden section squared: N points deviate from the mean of a function of
/// variation V by less than `V (3 + 2 log N)/N` (Koksma; Niederreiter 1978 for this rotation).
#[test]
fn one_kink_rotates() {
    let leak = 0.1;
    let c = leak + 0.9 * (1.0 - GOLDEN);
    let network = Network { width: 2, positive: 1, leak };
    let start = SpanStart { preactivations: vec![9.0, 0.0, 0.0, 9.0], squared_norms: vec![1.0; 2], weights: None };
    let gram = Arc::new(Gram(Matrix::new(2, 2, vec![1.0, c, c, 1.0])));
    let problem = Arc::new(SpanProblem::new(gram, None, vec![1.0, -1.0], network, (Loss::Exponential, 0.5), start));
    let mode = Mode::new(&problem, vec![Above, Kink, Kink, Above]).expect("regular");
    let orbits = Orbits::find(&problem, &mode, &[1.0, 1.0], f64::INFINITY, None);
    let ripple = Ripple::of(&problem, &mode, &orbits);
    let a = std::f64::consts::FRAC_1_SQRT_2;
    let (up, down) = (a * (c - leak), a * (1.0 - c));
    let phi = (up * up - leak * down * down) / (2.0 * (up + down));
    let mean = a * (c * (up - down) / 2.0 - phi);
    let steps = STEPS[1];
    let bound = a * (1.0 + c) * (up + down) * (3.0 + 2.0 * libm::log(steps)) / steps;
    for i in 0..2 {
        assert!((ripple.mean[i] - mean).abs() < bound, "{ripple:?}, expected {mean}");
        assert!(ripple.doubt[i] < 2.0 * bound && ripple.mean[i] < 0.0, "{ripple:?}");
        assert!(ripple.size[i] <= a * (up.max(leak * down) + c * up.max(down)), "{ripple:?}");
    }
}
