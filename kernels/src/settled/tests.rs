//! Products against exact ones, steps against the recursion, on every instruction set.

use super::*;
use crate::loss::Loss;

fn symmetric(n: usize) -> Vec<f64> {
    let at = |i: usize, j: usize| ((i.max(j) * 7 + i.min(j) * 3) % 11) as f64 - 5.0;
    (0..n * n).map(|k| at(k / n, k % n)).collect()
}

#[test]
fn products_of_integers_are_exact_on_every_instruction_set() {
    for n in [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 767, 768, 1541] {
        let h = symmetric(n);
        let v: Vec<f64> = (0..n).map(|i| (i % 5) as f64 - 2.0).collect();
        let exact: Vec<f64> = h.chunks(n).map(|row| row.iter().zip(&v).map(|(h, v)| h * v).sum()).collect();
        for isa in Isa::all() {
            let mut out = vec![f64::NAN; n];
            let packed = PackedSymmetric::pack_for(isa, &h, n);
            packed.multiply(&v, &mut out, &OneThread);
            assert_eq!(out, exact, "{n} {}", isa.name());
            let single: Vec<f32> = v.iter().map(|v| *v as f32).collect();
            let mut out = vec![f32::NAN; n];
            PackedSymmetric::pack_for(isa, &h, n).multiply(&single, &mut out, &OneThread);
            assert!(out.iter().zip(&exact).all(|(o, e)| f64::from(*o) == *e), "{n} {}", isa.name());
        }
    }
}

#[test]
fn products_at_once_have_the_bits_of_each() {
    for n in [1, 8, 21, 100, 767, 900] {
        let h: Vec<f64> = symmetric(n).iter().map(|h| (0.3 * h).sin()).collect();
        for count in [0, 1, 2, 5, TOGETHER + 3] {
            let v: Vec<f64> = (0..count * n).map(|i| (1.7 * i as f64).cos()).collect();
            let mut all = Vec::new();
            for isa in Isa::all() {
                let (packed, mut together, mut each) =
                    (PackedSymmetric::pack_for(isa, &h, n), vec![0.0; count * n], vec![0.0; count * n]);
                packed.multiply_all(&v, &mut together, &OneThread);
                let alone = v.chunks_exact(n).zip(each.chunks_exact_mut(n));
                alone.for_each(|(v, out)| packed.multiply(v, out, &OneThread));
                assert_eq!(together, each, "{n} {}", isa.name());
                all.push(together);
            }
            assert!(all.windows(2).all(|w| w[0] == w[1]), "{n}");
        }
    }
}

#[test]
fn steps_follow_the_recursion_with_the_same_bits_everywhere() {
    Loss::ALL.iter().for_each(|loss| follow(*loss));
}

fn follow(loss: Loss) {
    let n = 21;
    let mut h: Vec<f64> = symmetric(n).iter().map(|h| h * 0.01).collect();
    (0..n).for_each(|i| h[i * n + i] = 1.0);
    let q0: Vec<f64> = (0..n).map(|i| 0.1 * i as f64).collect();
    let run = |isa| {
        let h = PackedSymmetric::pack_for(isa, &h, n);
        let (mut q, mut q_low, mut s, mut s_low) = (q0.clone(), vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (limit, mut space) = (vec![f64::INFINITY; n], Space::new(n));
        for _ in 0..50 {
            let (q, sums) = (Pair { hi: &mut q, lo: &mut q_low }, Pair { hi: &mut s, lo: &mut s_low });
            assert!(h.advance((loss, 0.125), q, sums, &limit, &mut space, &OneThread));
        }
        s
    };
    let all: Vec<_> = Isa::all().into_iter().map(run).collect();
    assert!(all.windows(2).all(|w| w[0] == w[1]));
    let mut s = vec![0.0; n];
    for _ in 0..50 {
        let q: Vec<f64> = (0..n).map(|i| q0[i] + (0..n).map(|k| h[i * n + k] * s[k]).sum::<f64>()).collect();
        s.iter_mut().zip(q).for_each(|(s, q)| *s += 0.125 * loss.weight(q));
    }
    // 50 steps, each with sums of n terms of size O(1): 50·(n + 4)·ε, relative to S of order 1.
    let bound = 50.0 * (n + 4) as f64 * f64::EPSILON;
    s.iter().zip(&all[0]).for_each(|(a, b)| assert!((a - b).abs() < bound * a.abs().max(1.0)));
    // H in f32: every step moves q with an error of (n + 2)·2⁻²⁴ of a motion of order 1.
    let mixed = |isa| {
        let h = PackedSymmetric::pack_for(isa, &h, n);
        let (mut q, mut q_low, mut s, mut s_low) = (q0.clone(), vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (limit, mut space) = (vec![f64::INFINITY; n], Space::new(n));
        for _ in 0..50 {
            let (q, sums) = (Pair { hi: &mut q, lo: &mut q_low }, Pair { hi: &mut s, lo: &mut s_low });
            assert!(h.advance_mixed((loss, 0.125, 8.0), q, sums, &limit, &mut space, &OneThread));
        }
        s
    };
    let all: Vec<_> = Isa::all().into_iter().map(mixed).collect();
    assert!(all.windows(2).all(|w| w[0] == w[1]));
    let bound = 50.0 * (n + 2) as f64 * 2f64.powi(-24);
    s.iter().zip(&all[0]).for_each(|(a, b)| assert!((a - b).abs() < bound * a.abs().max(1.0)));
    assert!(s.iter().zip(&all[0]).any(|(a, b)| (a - b).abs() > 1e-12), "it does round");
}
