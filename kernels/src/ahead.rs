//! Prefetching: the next slab of X comes from memory while the present one is computed with.
//!
//! A slab is used twice while it is in L2, and during its second use nothing is read from memory.
//! So every product takes the numbers to fetch meanwhile, and asks for a few cache lines of them at
//! every tick of its inner loops.

use crate::hint::fetch;
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
