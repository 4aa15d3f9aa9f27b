//! The settled recursion against 60-digit arithmetic.

use farfield::descent::settled::Settled;
use farfield::descent::span::{Coefficients, SpanProblem, SpanStart};
use farfield::engine::{Flips, Progress, Reached, Stop};
use farfield::inner_products::Gram;
use farfield::matrix::Matrix;
use farfield::network::Network;
use farfield_kernels::loss::Loss;
use std::sync::Arc;

/// `S` after 10⁵ steps from q₀ = (1/4, 1/2, 1/8, 1/8) at rate 1/32. From mpmath with 60 digits:
///
/// ```text
/// H = [[y[i]*y[k]*g[i]*g[k]*K[i][k] for k in range(4)] for i in range(4)];  S = [0]*4
/// for t in range(100000):
///     s = [exp(-v)/32 for v in q];  S = [a + b for a, b in zip(S, s)]
///     q = [q[i] + sum(H[i][k]*s[k] for k in range(4)) for i in range(4)]
/// ```
const EXPECTED: [f64; 4] = [0.6610946698394725, 1.2558812788463028, 5.063531887771503, 0.7179166305204997];

/// Width 1 and leak 1/2, so that H has the same entries in binary as on paper.
#[test]
fn a_hundred_thousand_steps_keep_their_digits() {
    let k = [[16.0, 2.0, 1.0, 0.0], [2.0, 12.0, 3.0, 1.0], [1.0, 3.0, 9.0, 2.0], [0.0, 1.0, 2.0, 20.0]];
    let (y, g) = ([1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 0.5, 1.0]);
    let gram = Arc::new(Gram(Matrix::new(4, 4, k.concat())));
    let network = Network { width: 1, positive: 1, leak: 0.5 };
    let start = SpanStart { preactivations: vec![0.25, 0.5, -0.25, 0.125], squared_norms: vec![0.0], weights: None };
    let problem = Arc::new(SpanProblem::new(gram, None, y.to_vec(), network, (Loss::Exponential, 1.0 / 32.0), start));
    let mut iterate = Coefficients::new(problem, 0.0, Flips::default());
    let mut settled = Settled::new(&iterate);
    let all = (100_000, u64::MAX);
    let (taken, _, reached) = settled.advance(&mut iterate, all, &Stop::default(), &Progress::default());
    assert_eq!((taken, reached), (100_000, Reached::Target));
    assert_eq!(settled.sync(&mut iterate, 100_000.0), 0);
    for i in 0..4 {
        let s = iterate.coefficients().hi()[i] / (y[i] * g[i]);
        assert!((s / EXPECTED[i] - 1.0).abs() < 1e-14, "S_{i} = {s}, relative error {:e}", s / EXPECTED[i] - 1.0);
    }
}
