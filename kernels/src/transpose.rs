//! Eight rows as columns: `out[k][r] = rows[r][k]`, four by four numbers at a time.
//!
//! AVX takes two numbers each of two rows into a register, and interleaves such registers: 4 shuffles, 8 loads and 4 stores for 16 numbers.

use crate::isa::Isa;
use std::array::from_fn;

/// `out[k][r] = rows[r][k]`, for rows as long as `out` at least.
pub fn transpose(isa: Isa, rows: [&[f64]; 8], out: &mut [[f64; 8]]) {
    let rows = rows.map(|row| &row[..out.len()]);
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::V3(v3) => v3.vectorize(
            #[inline(always)]
            || shuffled(v3, rows, out),
        ),
        #[cfg(target_arch = "x86_64")]
        Isa::V4(v4) => v4.vectorize(
            #[inline(always)]
            || shuffled(*v4, rows, out),
        ),
        _ => plain(rows, 0, out),
    }
}

/// From column `first` on.
#[inline(always)]
fn plain(rows: [&[f64]; 8], first: usize, out: &mut [[f64; 8]]) {
    for (k, out) in out.iter_mut().enumerate().skip(first) {
        *out = from_fn(|r| rows[r][k]);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn shuffled(isa: pulp::x86::V3, rows: [&[f64]; 8], out: &mut [[f64; 8]]) {
    use pulp::cast;
    use std::arch::x86_64::__m256d;
    let avx = isa.avx;
    let pairs = rows.map(|row| row.as_chunks::<2>().0);
    let (fours, _) = out.as_chunks_mut::<4>();
    let done = 4 * fours.len();
    for (k, out) in fours.iter_mut().enumerate() {
        for half in 0..2 {
            // of rows r and r + 2: two columns each
            let both = |r: usize, k: usize| -> __m256d {
                let low = avx._mm256_castpd128_pd256(cast(pairs[4 * half + r][k]));
                avx._mm256_insertf128_pd::<1>(low, cast(pairs[4 * half + r + 2][k]))
            };
            for pair in 0..2 {
                let (a, b) = (both(0, 2 * k + pair), both(1, 2 * k + pair));
                let columns = [avx._mm256_unpacklo_pd(a, b), avx._mm256_unpackhi_pd(a, b)];
                for (column, out) in columns.into_iter().zip(&mut out[2 * pair..]) {
                    out.as_chunks_mut::<4>().0[half] = cast(column);
                }
            }
        }
    }
    plain(rows, done, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_place_on_every_instruction_set() {
        for count in [0, 1, 3, 4, 7, 8, 21] {
            let rows: [Vec<f64>; 8] = from_fn(|r| (0..count + 2).map(|k| (100 * r + k) as f64).collect());
            for isa in Isa::all() {
                let mut out = vec![[-1.0; 8]; count];
                transpose(isa, from_fn(|r| &rows[r][..]), &mut out);
                for (k, out) in out.iter().enumerate() {
                    assert_eq!(*out, from_fn(|r| rows[r][k]), "{count} {}", isa.name());
                }
            }
        }
    }
}
