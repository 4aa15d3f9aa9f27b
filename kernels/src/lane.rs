//! The number types of the kernels, `f32` and `f64`, and the few vector operations they need.
//!
//! Every vector is 512 bits wide, on every instruction set: 8 lanes of `f64`, 16 of `f32`. Narrower
//! machines hold one in several registers ([`crate::isa`]). Sums along the lanes therefore have
//! one shape everywhere, and together with fused multiply-adds this gives the same bits everywhere.

use pulp::Simd;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// `f32` or `f64`.
pub trait Lane:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// Lanes of one 512-bit vector.
    const LANES: usize;
    /// One.
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// A 512-bit vector.
    type V<S: Simd>: Copy;
    /// The nearest value.
    fn from_f64(x: f64) -> Self;
    /// The same value.
    fn to_f64(self) -> f64;
    /// `self·a + b`, rounded once.
    fn fused(self, a: Self, b: Self) -> Self;
    /// `e^self` ([`crate::exp`]).
    fn exp(self) -> Self;
    /// All lanes `x`.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::V<S>;
    /// `a·b + c`, rounded once.
    fn fma<S: Simd>(simd: S, a: Self::V<S>, b: Self::V<S>, c: Self::V<S>) -> Self::V<S>;
    /// `a + b`.
    fn plus<S: Simd>(simd: S, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    /// `a·b`.
    fn times<S: Simd>(simd: S, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    /// 1 in the lanes where `x > 0`, `other` elsewhere.
    fn one_if_positive<S: Simd>(simd: S, x: Self::V<S>, other: Self::V<S>) -> Self::V<S>;
    /// A slice as vectors; its length is a multiple of the lanes.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::V<S>];
    /// A mutable slice as vectors; its length is a multiple of the lanes.
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [Self::V<S>];
}

macro_rules! lane {
    ($t:ident, $lanes:literal, $v:ident, $splat:ident, $fma:ident, $add:ident, $mul:ident, $greater:ident, $select:ident,
     $vectors:ident, $vectors_mut:ident) => {
        impl Lane for $t {
            const LANES: usize = $lanes;
            const ONE: Self = 1.0;
            const INFINITY: Self = $t::INFINITY;
            type V<S: Simd> = S::$v;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn fused(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                crate::exp::$t(self)
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$v {
                simd.$splat(x)
            }
            #[inline(always)]
            fn fma<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$fma(a, b, c)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn times<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn one_if_positive<S: Simd>(simd: S, x: S::$v, other: S::$v) -> S::$v {
                simd.$select(simd.$greater(x, simd.$splat(0.0)), simd.$splat(1.0), other)
            }
            #[inline(always)]
            fn vectors<S: Simd>(x: &[Self]) -> &[S::$v] {
                let (vectors, rest) = S::$vectors(x);
                assert!(rest.is_empty(), "whole vectors");
                vectors
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [S::$v] {
                let (vectors, rest) = S::$vectors_mut(x);
                assert!(rest.is_empty(), "whole vectors");
                vectors
            }
        }
    };
}
lane!(
    f32,
    16,
    f32s,
    splat_f32s,
    mul_add_f32s,
    add_f32s,
    mul_f32s,
    greater_than_f32s,
    select_f32s,
    as_simd_f32s,
    as_mut_simd_f32s
);
lane!(
    f64,
    8,
    f64s,
    splat_f64s,
    mul_add_f64s,
    add_f64s,
    mul_f64s,
    greater_than_f64s,
    select_f64s,
    as_simd_f64s,
    as_mut_simd_f64s
);

/// `x` rounded up to whole vectors.
pub fn padded<T: Lane>(x: usize) -> usize {
    x.next_multiple_of(T::LANES)
}

/// The sum of the lanes of one vector by halves: lane i and lane i + half, until one is left.
#[inline(always)]
pub fn reduce<T: Lane>(lanes: &[T]) -> T {
    if T::LANES == 16 { fold::<T, 16>(lanes) } else { fold::<T, 8>(lanes) }
}

/// [`reduce`] of the first W numbers, 8 or 16, of whatever type.
#[inline(always)]
pub fn fold<T: Lane, const W: usize>(sums: &[T]) -> T {
    let (low, high) = sums[..W].split_at(W / 2);
    let eight: [T; 8] = if W == 16 {
        std::array::from_fn(
            #[inline(always)]
            |i| low[i] + high[i],
        )
    } else {
        sums[..8].try_into().expect("8 lanes")
    };
    let [a, b, c, d, e, f, g, h] = eight;
    let [a, b, c, d] = [a + e, b + f, c + g, d + h];
    let [a, b] = [a + c, b + d];
    a + b
}
