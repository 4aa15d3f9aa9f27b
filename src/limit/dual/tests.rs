//! The dual solver on problems with known answers, and in every degenerate regime.

use super::*;
use proptest::prelude::*;

/// `ΦΦᵀ` of rows Φ (N×D).
fn gram(rows: &[Vec<f64>]) -> Matrix {
    let n = rows.len();
    let value = |i: usize, k: usize| rows[i].iter().zip(&rows[k]).fold(0.0, |s, (a, b)| a.mul_add(*b, s));
    Matrix::new(n, n, (0..n * n).map(|t| value(t / n, t % n)).collect())
}

/// Reproducible numbers in (-1, 1) by a linear congruence.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 * 2f64.powi(-52) - 1.0
    }
}

fn rows(n: usize, d: usize, shift: f64, seed: u64) -> Vec<Vec<f64>> {
    let mut next = numbers(seed);
    (0..n).map(|_| (0..d).map(|k| next() + if k == 0 { shift } else { 0.0 }).collect()).collect()
}

fn separable(h: &Matrix) -> Dual {
    match solve(h, None) {
        Outcome::Separable(dual) => {
            assert!(dual.kkt_residual <= RESIDUAL);
            assert!(dual.lambda.iter().all(|l| *l >= 0.0));
            dual
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn small_problems_by_hand() {
    // orthogonal rows: λ_i = 1/H_ii
    let h = Matrix::new(2, 2, vec![4.0, 0.0, 0.0, 1.0]);
    let dual = separable(&h);
    assert_eq!(dual.lambda, [0.25, 1.0]);
    assert_eq!(dual.max_margin, 1.0 / 1.25f64.sqrt());
    // the second row is slack: (1,0) and (2,0)
    assert_eq!(separable(&gram(&[vec![1.0, 0.0], vec![2.0, 0.0]])).lambda, [1.0, 0.0]);
    // no rows: no constraint
    assert_eq!(separable(&Matrix::zeros(0, 0)).max_margin, f64::INFINITY);
    // a tie: (1,1) touches the margin of (1,0) and (0,1) but carries nothing
    let dual = separable(&gram(&[vec![1.0, 0.0], vec![0.0, 1.0], vec![0.5, 0.5]]));
    assert!((dual.max_margin - 0.5f64.sqrt()).abs() < 1e-15);
}

#[test]
fn inseparable_rows_have_a_certificate() {
    let mut cases = vec![
        gram(&[vec![1.0], vec![-1.0]]),
        gram(&[vec![1.0, 0.0], vec![-1.0, 1.0], vec![-1.0, -1.0]]),
        gram(&[vec![1.0, 2.0], vec![0.0, 0.0]]),
    ];
    cases.extend((0..20).map(|seed| gram(&rows(60, 8, 0.0, seed))));
    for h in cases {
        let Outcome::NotSeparable(farkas) = solve(&h, None) else { panic!("no certificate") };
        assert!((farkas.lambda.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(farkas.lambda.iter().all(|l| *l >= 0.0));
        assert!(farkas.relative.abs() <= INSEPARABLE, "{}", farkas.relative);
        assert!((quadratic_form(&h, &farkas.lambda) - farkas.value).abs() <= 1e-300);
    }
}

#[test]
fn rank_deficient_rows() {
    for seed in 0..20 {
        // more rows than dimensions, still separable
        let mut r = rows(120, 10, 1.5, seed);
        let dual = separable(&gram(&r));
        // duplicates change nothing but the sharing of λ
        r.extend(r.clone());
        let doubled = separable(&gram(&r));
        assert!((doubled.max_margin - dual.max_margin).abs() <= 1e-12 * dual.max_margin);
        // nearly equal rows
        let mut next = numbers(seed);
        for row in r.iter_mut().skip(120) {
            row.iter_mut().for_each(|v| *v += 1e-9 * next());
        }
        separable(&gram(&r));
    }
}

#[test]
fn scale_and_warm_start_do_not_matter() {
    let h = gram(&rows(40, 50, 0.3, 7));
    let plain = separable(&h);
    for unit in [2f64.powi(-600), 2f64.powi(-30), 2f64.powi(80), 2f64.powi(600)] {
        let scaled = Matrix::new(40, 40, h.values().iter().map(|v| v * unit).collect());
        let dual = separable(&scaled);
        for (a, b) in dual.lambda.iter().zip(&plain.lambda) {
            assert_eq!(a * unit, *b);
        }
        assert!((dual.max_margin / unit.sqrt() / plain.max_margin - 1.0).abs() < 1e-15);
    }
    for warm in [plain.lambda.clone(), vec![1.0; 40], vec![0.0; 40], rows(1, 40, 0.0, 3).remove(0)] {
        let Outcome::Separable(dual) = solve(&h, Some(&warm)) else { panic!() };
        for (a, b) in dual.lambda.iter().zip(&plain.lambda) {
            assert!((a - b).abs() <= 1e-13 * b.abs());
        }
    }
}

#[test]
fn the_active_set_alone_agrees_with_pivoting() {
    for (n, d, shift) in [(1, 3, 0.0), (30, 40, 0.0), (60, 80, 0.5), (100, 6, 2.0)] {
        for seed in 0..5 {
            let h = gram(&rows(n, d, shift, seed));
            let solved = active_set::solve(&h, &vec![0.0; n]);
            assert!(matches!(solved.end, active_set::End::Optimal));
            assert!(kkt_residual(&h, &solved.lambda) <= RESIDUAL);
            let margin = 1.0 / solved.lambda.iter().sum::<f64>().sqrt();
            assert!((margin / separable(&h).max_margin - 1.0).abs() < 1e-12);
        }
    }
}

/// From the solution of fewer rows, whatever their rank, to that of all; from none or from what is no solution to nothing.
#[test]
fn the_active_set_goes_on_from_fewer_rows() {
    let mut pivots = 0;
    for (n, d, shift) in [(30, 40, 0.3), (100, 6, 2.0), (120, 10, 1.5), (200, 3, 3.0)] {
        for seed in 0..5 {
            let r = rows(n, d, shift, seed);
            let mut known = separable(&gram(&r[..n - n / 4])).lambda;
            known.resize(n, 0.0);
            let h = gram(&r);
            let solved = active_set::resume(&h, &known).expect("a solution of fewer rows");
            assert!(kkt_residual(&h, &solved.lambda) <= RESIDUAL);
            let margin = 1.0 / solved.lambda.iter().sum::<f64>().sqrt();
            assert!((margin / separable(&h).max_margin - 1.0).abs() < 1e-12);
            pivots += solved.pivots;
            // not positive on the support that is given
            let slack: Vec<f64> = (0..n).map(|i| if known[i] == 0.0 { 1.0 } else { 0.0 }).collect();
            let other = active_set::resume(&h, &slack);
            assert!(other.is_none_or(|s| kkt_residual(&h, &s.lambda) <= RESIDUAL));
            assert!(active_set::resume(&h, &vec![0.0; n]).is_none() && active_set::resume(&h, &vec![1.0; n]).is_none());
        }
    }
    assert!(pivots > 0, "some of the new rows carry weight");
}

/// The same λ on any number of threads where the factors take all of them, and indices enter and leave.
#[test]
fn any_number_of_threads() {
    let h = gram(&rows(900, 1200, 0.2, 7));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let found = pool.install(|| separable(&h));
        found.lambda.into_iter().map(f64::to_bits).collect::<Vec<u64>>()
    };
    assert!(on(1) == on(2) && on(1) == on(3));
}

/// Indices enter, leave and come back: the same λ as from a new factor. What depends on the others cannot enter.
#[test]
fn a_factor_follows_the_support() {
    for (n, shift) in [(60, 0.0), (60, 1e-2), (400, 0.0)] {
        let mut r = rows(n, 2 * n, 0.3, 5);
        r[n - 1] = r[1].clone();
        let h = gram(&r);
        let basis: Vec<usize> = (0..n - 10).collect();
        let mut factor = factor::Factor::new(&h, shift, basis.clone()).expect("independent rows");
        for (gone, come) in
            [(vec![3, 7], vec![n - 8, n - 5]), (vec![7], vec![n - 8, n - 2]), (vec![7, 9, n - 8], vec![])]
        {
            let mut support: Vec<usize> = basis.iter().chain(&come).copied().filter(|i| !gone.contains(i)).collect();
            support.extend(if come.is_empty() { vec![n - 5, n - 2] } else { vec![] });
            support.sort_unstable();
            assert!(factor.change_to(&h, &support), "{n} {support:?}");
            let (got, anew) = (factor.solve_ones(n), factor::Factor::new(&h, shift, support).unwrap().solve_ones(n));
            let size = accurate::largest(&anew);
            assert!(got.iter().zip(&anew).all(|(a, b)| (a - b).abs() <= 1e-12 * size), "{n}");
            assert!(got.iter().zip(&anew).all(|(a, b)| (*a == 0.0) == (*b == 0.0)), "{n}");
        }
        if shift == 0.0 {
            let support: Vec<usize> = basis.iter().copied().chain([n - 1]).collect();
            assert!(!factor.change_to(&h, &support), "a row twice");
        }
    }
}

#[test]
fn what_is_no_number_is_unresolved() {
    for bad in [f64::NAN, f64::INFINITY] {
        let h = Matrix::new(2, 2, vec![1.0, bad, bad, 1.0]);
        assert!(matches!(solve(&h, None), Outcome::Unresolved(d) if d.kkt_residual == f64::INFINITY));
    }
}

#[test]
fn opposite_rows_among_independent_ones_cancel() {
    // rows 1 and 2 are opposite; their dependence comes out with roundings where it vanishes
    let rows: Vec<Vec<f64>> =
        [[1, 0, 0, 0], [-1, 1, 2, 1], [1, -1, -2, -1], [0, -1, -2, 2], [-1, 2, -1, -2], [2, -2, 0, -1]]
            .iter()
            .map(|r: &[i8; 4]| r.iter().map(|v| f64::from(*v)).collect())
            .collect();
    let h = gram(&rows);
    for first in 0..6 {
        let mut guess = vec![1.0; 6];
        guess[first] = 9.0;
        let active_set::End::Unbounded(d) = active_set::solve(&h, &guess).end else { panic!("from {first}") };
        assert!((d[1] - d[2]).abs() < 1e-10 && relative_value(&h, &d) <= INSEPARABLE, "{d:?}");
    }
    assert!(matches!(solve(&h, None), Outcome::NotSeparable(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Small integers: duplicates, ties, opposite and dependent rows. Either answer is its own proof.
    #[test]
    fn integer_rows_are_always_decided(d in 1usize..5, entries in prop::collection::vec(-2i8..=2, 4..60), lift in 0i8..3) {
        let rows: Vec<Vec<f64>> = entries
            .chunks_exact(d)
            .map(|r| r.iter().enumerate().map(|(k, v)| f64::from(*v + if k == 0 { lift } else { 0 })).collect())
            .collect();
        let h = gram(&rows);
        match solve(&h, None) {
            Outcome::Separable(dual) => {
                prop_assert!(dual.kkt_residual <= RESIDUAL);
                let w: Vec<f64> = (0..d).map(|k| rows.iter().zip(&dual.lambda).map(|(r, l)| r[k] * l).sum()).collect();
                for r in &rows {
                    let margin: f64 = r.iter().zip(&w).map(|(r, w)| r * w).sum();
                    prop_assert!(margin >= 1.0 - 1e-10, "{margin}");
                }
                let norm = w.iter().map(|w| w * w).sum::<f64>().sqrt();
                prop_assert!((norm * dual.max_margin - 1.0).abs() < 1e-10);
            }
            Outcome::NotSeparable(farkas) => prop_assert!(farkas.relative.abs() <= INSEPARABLE),
            Outcome::Unresolved(best) => prop_assert!(false, "{best:?}"),
        }
    }
}
