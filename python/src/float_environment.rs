//! The floating-point environment.
//!
//! Other modules switch on modes in which subnormal numbers become zero (FTZ, DAZ), in the thread that loads them and so
//! in every thread which that one starts. A result must not depend on what else is loaded: threads that compute begin
//! with the [`standard`] environment (round to nearest, subnormals kept, no traps), and what little is done on a thread
//! of Python's, such as reading a configuration, is done [`Standard::within`] it, and restores that thread's own.
#![allow(unsafe_code)] // the control register has no safe name

/// Sets the standard environment for the current thread.
pub fn standard() {
    write(STANDARD);
}

/// The standard environment of a thread of Python's, until it is dropped.
pub struct Standard {
    before: Word,
}

impl Standard {
    /// Does something in the standard environment.
    pub fn within<T>(work: impl FnOnce() -> T) -> T {
        let _until_dropped = Self { before: read() };
        standard();
        work()
    }
}

impl Drop for Standard {
    fn drop(&mut self) {
        write(self.before);
    }
}

#[cfg(target_arch = "x86_64")]
use x86_64::{STANDARD, Word, read, write};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    pub type Word = u32;

    /// Every exception masked, no flag, round to nearest, neither FTZ nor DAZ: the value after a reset.
    pub const STANDARD: Word = 0x1f80;

    pub fn read() -> Word {
        let mut word: Word = 0;
        // SAFETY: SSE is part of x86-64; the operand is a word that may be written.
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) }
        word
    }

    pub fn write(word: Word) {
        // SAFETY: SSE is part of x86-64; the operand is a readable word that sets no reserved bit: `STANDARD`, the
        // environment that Rust itself assumes, or what `read` found before.
        unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, readonly, preserves_flags)) }
    }
}

#[cfg(target_arch = "aarch64")]
use aarch64::{STANDARD, Word, read, write};

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    pub type Word = u64;

    /// Round to nearest, no flushing, no traps: the value after a reset.
    pub const STANDARD: Word = 0;

    pub fn read() -> Word {
        let word: Word;
        // SAFETY: FPCR can be read at every privilege level.
        unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) word, options(nomem, nostack, preserves_flags)) }
        word
    }

    pub fn write(word: Word) {
        // SAFETY: FPCR can be written at every privilege level; the value is `STANDARD`, the environment that Rust itself
        // assumes, or what `read` found before.
        unsafe { std::arch::asm!("msr fpcr, {}", in(reg) word, options(nomem, nostack, preserves_flags)) }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use unknown::{STANDARD, Word, read, write};

/// Nothing is known of the environment of other machines.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod unknown {
    pub type Word = ();
    pub const STANDARD: Word = ();
    pub fn read() -> Word {}
    pub fn write(_: Word) {}
}
