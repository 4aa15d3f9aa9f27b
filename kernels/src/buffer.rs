//! Memory that starts on a cache line, so that a 512-bit vector never straddles two, in huge pages
//! where it is large.

use crate::lane::Lane;
use std::ops::{Deref, DerefMut};

/// Numbers, zero at first, whose first one starts a 64-byte cache line.
#[derive(Debug, Default)]
pub struct Buffer<T> {
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Lane> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut values = vec![T::default(); len + T::LANES];
        crate::hint::huge_pages(&mut values);
        let offset = values.as_ptr().align_offset(64);
        Self { start: offset.min(T::LANES), values, len }
    }
}

impl<T: Lane> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.values[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..self.start + self.len]
    }
}
