//! SIMD kernels of Farfield: gradient descent on two-layer leaky-ReLU networks in fused steps, with
//! the same bits on every instruction set and for every number of threads.
//!
//! ```text
//! z_ij = ⟨x_i,w_j⟩,  q_i = y_i Σ_j a_j φ(z_ij),  S_ij = αc s(q_i) y_i a_j φ'(z_ij),  s = −ℓ'
//! w_j ← w_j + Σ_i S_ij x_i
//! ```
//!
//! A [`mod@loss`] ℓ is one file; the kernels are generic over it.
//!
//! [`mod@reference`] is this, to be read in one sitting; everything else is how to do it fast. The crate
//! has no threads and no I/O: callers give each thread chunks of work.
//!
//! # One step
//!
//! `4·n·d·m` flops, and X is read once: `n·d` numbers, 8 or 4 bytes each. With m neurons a number of
//! X in f64 takes `m/2` cycles on a core that does 8 multiply-adds per cycle, so a step is bound by
//! multiply-adds from m ≈ 4…8 on and by memory below.
//!
//! X is cut into slabs of 128 or 256 KiB that stay in L2 between the two uses ([`plan`]), each slab into
//! slivers of four vectors ([`slab`]). Two nests: [`panels`] of columns with a delayed forward for
//! n ≤ d, blocks of [`rows`] for n > d. Vectors run along columns, samples or neurons, whichever needs
//! the fewest operations; so the two products of a step are instances of
//!
//! | product | sums along | tile on 32 registers | loads per multiply-add |
//! |---|---|---|---|
//! | [`by_rows`]: `A·X` | rows of X, one chain per element | 6 × 4 vectors | 10/24 |
//! | [`by_lanes`]: `X·Bᵀ` | lanes, one vector of sums per element | 4 × 5 | 9/20 |
//! | [`by_neurons`]: `X·B`, `Xᵀ·B` | one chain per element | 8 × 2, 8 × 3 | 10/16, 11/24 |
//!
//! On 16 registers (AVX2) a vector takes two, and tiles are 2 × 2, 2 × 2 and 4 × 1.
//!
//! # Same bits
//!
//! - Vectors have 512 bits on every machine ([`lane`], [`isa`]); sums along lanes have one shape.
//! - Every multiply-add is fused. `exp` is ours ([`mod@exp`]), straight-line code.
//! - Slabs, chunks and the order in which their sums are added depend on the shape alone ([`plan`]).
//!
//! # Precision
//!
//! All of it is generic over f32 and f64. [`mixed`]: products in f32 of what has moved, everything else in f64.
//!
//! # Settled steps and K
//!
//! [`settled`]: `S += αc·s(q₀ + H·S)`, on half of H: `2n²` flops and `4n²` bytes a step.
//! [`gram`]: `K = XXᵀ`, `n²·d` flops, lower triangle only, tiles of 4 × 4 sums with 8 loads for 16 multiply-adds.
//!
//! [`tridiagonal`]: a symmetric matrix in tridiagonal form, `4n³/3` flops in one pass a row.
//!
//! # Normal numbers
//!
//! [`polar`]: from the bits of any generator, points one by one. [`normals`]: in bulk, with generators of its own.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | slab | a block of X that stays in cache between its two uses ([`slab`]): a panel or some samples |
//! | sliver | up to four vectors of columns of a slab, all its rows one after the other |
//! | panel | a slab of neighbouring columns, with its part of W ([`panels`]) |
//! | strip | rows of a factor read number by number ([`by_rows`]); of half a matrix, one per lane ([`settled`]) |
//! | cut | where a slab begins and how large it is ([`data::Cut`]) |
//! | chunk | neighbouring slabs with partial sums of their own, which one thread takes ([`plan`]) |
//! | share | a chunk's partial sums, of Z or of the gradient; shares are added in the order of the chunks |
//! | block | up to 128 samples, the unit of the loss stage; of K, up to 104 by 104 elements ([`gram`]) |
//! | group | neurons of one vector, or tied neurons ([`loss::stage`]); 256 columns on the way to K |
//! | part | one of several nearly equal ones of a length, here cut by `split`; [`loss::Parts`] are the two of a number |
//! | piece | a block of K over a range of columns, which one thread takes; the caller's word |
//! | tile | sums held in registers while a product runs, MR rows by NV vectors |
//!
//! # The inlining law
//!
//! *Everything that runs under a `with_simd` is `#[inline(always)]`, methods of traits and closures included.* The
//! instruction set is a property of the function that [`isa::Isa::run`] enters. Code inlined into it is compiled for AVX2
//! or AVX-512; a function that is called from it is compiled for the oldest processor of the target, where each
//! vector operation is again a call: ten times slower, with the same bits, so that no test notices. For the same
//! reason no thread is started inside: a closure handed to another thread runs outside. The price is compile time, and
//! dispatch belongs outside of loops: once per block, by [`isa::Isa::run`] and [`loss::Loss::run`].
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
pub mod hint;
pub mod isa;
pub mod lane;
pub mod loss;
pub mod mixed;
pub mod normals;
pub mod panels;
pub mod plan;
pub mod polar;
pub mod probe;
pub mod reference;
pub mod rows;
pub mod settled;
pub mod slab;
mod transpose;
pub mod tridiagonal;
pub mod two_sum;

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
