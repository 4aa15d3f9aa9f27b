//! The sliding limit on random problems: a solution must show its own proof.

use farfield::inner_products::{Gram, InnerProducts};
use farfield::limit::Prediction;
use farfield::limit::sliding::Sliding;
use farfield::matrix::Matrix;
use farfield::network::{Network, Pattern};
use proptest::prelude::*;

#[derive(Debug)]
struct Case {
    k: Gram,
    y: Vec<f64>,
    network: Network,
    sides: Pattern,
}

fn case(n: usize, x: &[f64], labels: &[bool], width: usize, positive: usize, leak: f64, wrong: &[bool]) -> Case {
    let d = x.len() / n;
    let row = |i: usize| &x[i * d..][..d];
    let mut k = Matrix::zeros(n, n);
    for i in 0..n {
        for l in 0..n {
            k[(i, l)] = row(i).iter().zip(row(l)).fold(0.0, |s, (a, b)| a.mul_add(*b, s));
        }
    }
    let y: Vec<f64> = labels[..n].iter().map(|l| if *l { 1.0 } else { -1.0 }).collect();
    let network = Network { width, positive: positive.min(width), leak };
    let mut sides = Pattern::activated(&network, &y);
    for i in 0..n {
        for j in 0..width {
            if wrong[(i * width + j) % wrong.len()] && network.sign(j) * y[i] > 0.0 {
                sides.flip(i, j);
            }
        }
    }
    Case { k: Gram(k), y, network, sides }
}

fn check(c: &Case) -> Result<(), TestCaseError> {
    let Prediction::Limit(s) = Sliding::with_sides(&c.k, None, &c.y, &c.network, &c.sides, None) else { return Ok(()) };
    let (n, limit) = (c.y.len(), &s.limit);
    let image = c.k.image(&limit.direction);
    for i in 0..n {
        // the margin with the given slopes on own-sign pairs, and φ itself on the others
        let (mut q, mut scale) = (0.0, 1.0);
        for j in 0..c.network.width {
            let z = image[limit.direction.groups.of[j]][i];
            let own = c.network.sign(j) * c.y[i] > 0.0;
            let u = if own { c.sides.slope(&c.network, i, j) * z } else { c.network.activation(z) };
            q += c.y[i] * c.network.output(j) * u;
            scale += (c.network.output(j) * u).abs();
        }
        prop_assert!(q >= 1.0 - 1e-10 * scale, "margin {q} of {i}");
        prop_assert!(limit.lambda[i] == 0.0 || (q - 1.0).abs() <= 1e-10 * scale, "margin {q} of support vector {i}");
    }
    // strong duality: ‖W*‖² = Σλ, so W* is optimal
    prop_assert!((c.k.norm(&limit.direction) / limit.norm - 1.0).abs() < 1e-10);
    for p in &s.pairs {
        prop_assert!(p.slope > c.network.leak && p.slope < 1.0 && p.fraction > 0.0 && p.fraction < 1.0);
        let size = image[p.group].iter().fold(0.0f64, |t, z| t.max(z.abs()));
        prop_assert!(image[p.group][p.sample].abs() <= 1e-9 * size.max(1.0), "{}", image[p.group][p.sample]);
    }
    let nu = s.rate_exponent(&c.k);
    prop_assert!((0.0..=1.0).contains(&nu));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn solutions_prove_themselves(
        n in 1usize..8,
        x in prop::collection::vec(-1.0f64..1.0, 8 * 9),
        labels in prop::collection::vec(any::<bool>(), 8),
        width in 1usize..6,
        positive in 0usize..6,
        leak in 0.05f64..0.9,
        wrong in prop::collection::vec(prop::bool::weighted(0.15), 1..30),
    ) {
        check(&case(n, &x[..n * 9], &labels, width, positive, leak, &wrong))?;
    }
}
