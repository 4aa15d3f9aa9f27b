//! Sums of small integers, which are the same in any order, and several at once against one at a time.

use super::*;

/// Small integers: every order of summation gives the same value.
#[test]
fn integers() {
    for (rows, cols) in [(0, 3), (1, 1), (3, 31), (5, 32), (7, 33), (2, 100)] {
        let a: Vec<f64> = (0..rows * cols).map(|i| (i * 7 % 13) as f64 - 6.0).collect();
        let c: Vec<f64> = (0..rows).map(|i| i as f64 - 2.0).collect();
        let x: Vec<f64> = (0..cols).map(|k| (k % 5) as f64 - 1.0).collect();
        let (mut combined, mut products) = (vec![9.0; cols], vec![9.0; rows]);
        combine(&c, &a, cols, &mut combined);
        for count in [1, 3, 4, 6, 9].into_iter().filter(|_| rows > 0) {
            let several: Vec<f64> = (0..count * rows).map(|i| (i * 5 % 11) as f64 / 3.0 - 1.0).collect();
            let (mut all, mut one) = (vec![9.0; count * cols], vec![9.0; cols]);
            combine_all(&several, rows, &a, cols, &mut all);
            for (c, all) in several.chunks(rows).zip(all.chunks(cols)) {
                combine(c, &a, cols, &mut one);
                assert!(all.iter().zip(&one).all(|(a, b)| a.to_bits() == b.to_bits()), "{count} of {rows} x {cols}");
            }
        }
        dots(&x, &a, &mut products);
        for k in 0..cols {
            assert_eq!(combined[k], (0..rows).map(|i| c[i] * a[i * cols + k]).sum::<f64>());
        }
        for i in 0..rows {
            assert_eq!(products[i], (0..cols).map(|k| x[k] * a[i * cols + k]).sum::<f64>());
        }
    }
}
