//! Kernels.
#![deny(unsafe_code)] // but for the hints in `hint`

pub mod ahead;
pub mod buffer;
pub mod by_lanes;
pub mod by_neurons;
pub mod by_rows;
pub mod data;
pub mod dense;
pub mod exp;
pub mod gram;
mod hint;
pub mod isa;
pub mod lane;
pub mod loss;
pub mod panels;
pub mod plan;
pub mod probe;
pub mod reference;
pub mod rows;
pub mod settled;
pub mod slab;

/// `total` cut into the fewest parts of at most `most`, of nearly equal sizes: (first, size) each.
#[inline(always)]
pub(crate) fn split(total: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = total.div_ceil(most).max(1);
    (0..parts).map(
        #[inline(always)]
        move |p| {
            let first = p * total / parts;
            (first, (p + 1) * total / parts - first)
        },
    )
}
