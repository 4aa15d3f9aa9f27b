//! What this machine can do: multiply-adds per second and bytes read per second, measured with the
//! same vectors that the kernels use. Timing is the caller's.

use crate::isa::{Isa, wide};
use crate::lane::Lane;
use pulp::{Simd, WithSimd, as_arrays};

/// Runs `rounds` rounds of independent multiply-adds; returns how many flops that were and a value
/// that depends on all of them.
pub fn multiply_adds<T: Lane>(isa: Isa, rounds: usize) -> (f64, T) {
    isa.run(MultiplyAdds { rounds, unit: T::ONE })
}

/// Reads all of `x` once; returns a value that depends on all of it. Its length is cut to whole groups
/// of eight vectors.
pub fn read<T: Lane>(isa: Isa, x: &[T]) -> T {
    isa.run(Read { x: &x[..x.len() / (8 * T::LANES) * (8 * T::LANES)] })
}

struct MultiplyAdds<T> {
    rounds: usize,
    unit: T,
}

impl<T: Lane> WithSimd for MultiplyAdds<T> {
    type Output = (f64, T);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f64, T) {
        if wide::<S>() { chains::<S, T, 16>(simd, self) } else { chains::<S, T, 5>(simd, self) }
    }
}

/// `C` chains, enough to hide the latency of a multiply-add.
#[inline(always)]
fn chains<S: Simd, T: Lane, const C: usize>(simd: S, of: MultiplyAdds<T>) -> (f64, T) {
    let factor = T::splat(simd, of.unit);
    let mut acc = [factor; C];
    for _ in 0..of.rounds {
        for _ in 0..8 {
            for c in 0..C {
                acc[c] = T::fma(simd, acc[c], factor, factor);
            }
        }
    }
    ((of.rounds * 8 * C * T::LANES * 2) as f64, total(simd, &acc))
}

struct Read<'a, T> {
    x: &'a [T],
}

impl<T: Lane> WithSimd for Read<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let mut acc = [T::splat(simd, T::default()); 8];
        for x in as_arrays::<8, _>(T::vectors::<S>(self.x)).0 {
            for v in 0..8 {
                acc[v] = T::plus(simd, acc[v], x[v]);
            }
        }
        total(simd, &acc)
    }
}

/// The sum of all lanes of all vectors.
#[inline(always)]
fn total<S: Simd, T: Lane, const C: usize>(simd: S, acc: &[T::V<S>; C]) -> T {
    let mut sum = acc[0];
    for v in &acc[1..] {
        sum = T::plus(simd, sum, *v);
    }
    let mut lanes = [T::default(); 16];
    T::vectors_mut::<S>(&mut lanes[..T::LANES])[0] = sum;
    crate::lane::reduce(&lanes[..T::LANES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_reads_everything() {
        let x: Vec<f64> = (0..64).map(f64::from).collect();
        for isa in Isa::all() {
            assert_eq!(read(isa, &x), 2016.0);
            assert_eq!(multiply_adds::<f32>(isa, 1).0 % 256.0, 0.0);
        }
    }
}
