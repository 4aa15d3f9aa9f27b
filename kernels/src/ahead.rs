//! Prefetching: the next slab of X comes from memory while the present one is computed with.
//!
//! A slab is used twice while it is in L2, and during its second use nothing is read from memory.
//! So every product takes the numbers to fetch meanwhile, and asks for a few cache lines of them at
//! every tick of its inner loops. The hint is for L2 (T1): L1 belongs to the register tiles.

#![allow(unsafe_code)] // one instruction that reads nothing

use crate::lane::Lane;

/// Numbers that will be needed soon, and how many cache lines to ask for at each tick.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a, T> {
    rest: &'a [T],
    step: usize,
}

impl<'a, T: Lane> Ahead<'a, T> {
    /// Asks for all of `next` in about `ticks` ticks.
    #[inline(always)]
    pub fn new(next: &'a [T], ticks: usize) -> Self {
        Self { rest: next, step: (next.len() / T::LANES).div_ceil(ticks.max(1)) * T::LANES }
    }

    /// Asks for the next few lines.
    #[inline(always)]
    pub fn tick(&mut self) {
        let (now, rest) = self.rest.split_at(self.step.min(self.rest.len()));
        for line in now.chunks(T::LANES) {
            fetch(&line[0]);
        }
        self.rest = rest;
    }
}

/// Asks for the cache line of `x`.
#[inline(always)]
fn fetch<T>(x: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch is a hint. It reads and writes no memory and cannot fault, whatever the
        // address; here it is that of a live reference. SSE is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(x).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}
