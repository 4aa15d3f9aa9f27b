//! The Gram matrix `K = XXᵀ`, with the same bits for any number of threads and instruction set.
//!
//! Columns of X are added in groups, in order, and small matrices in a number of parts that depends
//! on n alone: few rows give too few blocks to share among threads, so the columns are shared then.

use crate::matrix::Matrix;
use farfield_kernels::gram::{COLUMNS, Panel, ROWS, numbers, unpack};
use farfield_kernels::isa::Isa;
use rayon::prelude::*;

/// Bytes of the partial products of all parts together.
const PARTIAL_BYTES: usize = 16 << 20;
/// Most parts.
const MOST_PARTS: usize = 16;

/// `K = XXᵀ` (n×n, symmetric) of X (n×d).
pub fn gram(x: &Matrix) -> Matrix {
    gram_on(Isa::best(), x)
}

/// [`gram`] on a given instruction set of this machine.
pub fn gram_on(isa: Isa, x: &Matrix) -> Matrix {
    let (n, d) = (x.rows(), x.cols());
    let mut k = Matrix::zeros(n, n);
    if n == 0 {
        return k;
    }
    let groups = d.div_ceil(COLUMNS);
    let parts = (PARTIAL_BYTES / (n * n * size_of::<f64>())).clamp(1, MOST_PARTS).min(groups.max(1));
    let sums: Vec<Vec<Vec<f64>>> = (0..parts)
        .into_par_iter()
        .with_max_len(1)
        .map(|part| part_of(isa, x, part * groups / parts..(part + 1) * groups / parts))
        .collect();
    let mut sums = sums.into_iter();
    let mut total = sums.next().unwrap_or_default();
    for part in sums {
        for (total, part) in total.iter_mut().flatten().zip(part.iter().flatten()) {
            *total += part;
        }
    }
    for (block, values) in total.iter().enumerate() {
        unpack(n, block, values, k.values_mut());
    }
    k
}

/// The sum over some groups of columns, in blocks of the lower triangle.
fn part_of(isa: Isa, x: &Matrix, groups: std::ops::Range<usize>) -> Vec<Vec<f64>> {
    let (n, d) = (x.rows(), x.cols());
    let mut blocks: Vec<Vec<f64>> = (0..n.div_ceil(ROWS)).map(|b| vec![0.0; numbers(n, b)]).collect();
    for group in groups {
        let first = group * COLUMNS;
        let panel = Panel::pack(x.values(), n, first, COLUMNS.min(d - first));
        // The last blocks are the longest: they go first.
        blocks.par_iter_mut().enumerate().rev().with_max_len(1).for_each(|(b, k)| panel.accumulate(isa, b, k));
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_on_every_instruction_set() {
        for (n, d) in [(1, 1), (7, 3), (8, 256), (9, 257), (15, 513), (127, 40), (128, 33), (129, 300), (300, 9)] {
            let x = Matrix::new(n, d, (0..n * d).map(|i| ((i * i + 3 * i) % 13) as f64 - 6.0).collect());
            for isa in Isa::all() {
                let k = gram_on(isa, &x);
                for i in 0..n {
                    for j in 0..n {
                        let exact: f64 = x.row(i).iter().zip(x.row(j)).map(|(a, b)| a * b).sum();
                        assert_eq!(k[(i, j)], exact, "{n} {d} {i} {j} {}", isa.name());
                    }
                }
            }
        }
    }

    #[test]
    fn every_number_of_threads_and_instruction_set_gives_the_same_bits() {
        for (n, d) in [(20, 5000), (150, 2000), (1500, 300)] {
            let x = Matrix::new(n, d, (0..n * d).map(|i| 1.0 / (1.0 + (i % 1009) as f64)).collect());
            let run = |threads, isa| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                pool.install(|| gram_on(isa, &x))
            };
            let one = run(1, Isa::best());
            assert!([2, 3].into_iter().all(|threads| run(threads, Isa::best()) == one), "{n} {d}");
            assert!(Isa::all().into_iter().skip(1).all(|isa| run(2, isa) == one), "{n} {d}");
        }
    }
}
