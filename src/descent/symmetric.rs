//! The product `H·v` of a symmetric matrix and a vector, ready for many of them.

use super::compensated::Compensated;
use crate::matrix::Matrix;
use farfield_kernels::loss::Loss;
use farfield_kernels::settled::{OneThread, PackedSymmetric, Space, Spread};
use std::sync::Arc;

/// Parts of a product on the thread that asks for it and on those of its pool, as many as the pool has: a caller outside of the
/// pool does not have to sleep and be woken for each product.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl<T: Send> Spread<T> for Threads {
    fn each(&self, images: &mut [T], length: usize, job: &(dyn Fn(usize, &mut [T]) + Sync)) {
        let (parts, threads) = (images.len() / length, rayon::current_num_threads());
        if threads == 1 {
            return OneThread.each(images, length, job);
        }
        let each = parts.div_ceil(threads);
        let run = |first: usize, images: &mut [T]| {
            let images = images.chunks_exact_mut(length).enumerate();
            images.for_each(|(part, image)| job(first + part, image));
        };
        rayon::in_place_scope(|scope| {
            let mut shares = images.chunks_mut(each * length).enumerate();
            let own = shares.next();
            shares.for_each(|(share, images)| scope.spawn(move |_| run(share * each, images)));
            own.into_iter().for_each(|(_, images)| run(0, images));
        });
    }
}

/// A symmetric n×n matrix, of which one half is kept; cheap to clone.
#[derive(Clone, Debug)]
pub struct Symmetric(Arc<PackedSymmetric>);

impl Symmetric {
    /// Prepares `h` (n×n, symmetric).
    pub fn new(h: &Matrix) -> Self {
        assert_eq!(h.rows(), h.cols(), "a symmetric matrix is square");
        Self(Arc::new(PackedSymmetric::pack(h.values(), h.rows())))
    }

    /// One settled step of a loss, `s_i = rate·s(q_i)`, `q += H s`, `S += s`; whether `S ≤ limit` still holds.
    pub fn advance(
        &self,
        law: (Loss, f64),
        q: &mut Compensated,
        sums: &mut Compensated,
        limit: &[f64],
        space: &mut Space,
    ) -> bool {
        self.0.advance(law, q.parts_mut(), sums.parts_mut(), limit, space, &Threads)
    }

    /// `out = H·v`; the order of the sums depends on n alone.
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        self.0.multiply(v, out, &Threads);
    }

    /// The products with columns of n numbers, one after the other, for all of which H is read together; the bits are those of
    /// one at a time.
    pub fn multiply_all(&self, columns: &[f64], out: &mut [f64]) {
        self.0.multiply_all(columns, out, &Threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products in one part, in two and in four, one and three at a time: threads move no bit.
    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        for n in [100, 900, 1600] {
            let entry = |k: usize| ((k / n).max(k % n) as f64 * 0.37 + (k / n).min(k % n) as f64).sin();
            let h = Symmetric::new(&Matrix::new(n, n, (0..n * n).map(entry).collect()));
            let v: Vec<f64> = (0..3 * n).map(|k| (1.3 * k as f64).cos()).collect();
            let products = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                let (mut each, mut all) = (vec![0.0; 3 * n], vec![0.0; 3 * n]);
                pool.install(|| {
                    v.chunks_exact(n).zip(each.chunks_exact_mut(n)).for_each(|(v, out)| h.multiply(v, out));
                    h.multiply_all(&v, &mut all);
                });
                assert_eq!(each, all, "{n}");
                all
            };
            let one = products(1);
            assert!([2, 3, 5].into_iter().all(|threads| products(threads) == one), "{n}");
        }
    }
}
