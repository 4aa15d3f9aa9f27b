//! The floating-point environment of the threads that compute.
//!
//! Other modules switch on modes in which subnormal numbers become zero (FTZ, DAZ), in the thread that loads them and so
//! in every thread which that one starts. A result must not depend on what else is loaded, so each thread that computes
//! begins with the standard environment: round to nearest, subnormals kept, no traps. Nothing is computed on a thread of
//! Python's, whose environment therefore never changes.
#![allow(unsafe_code)] // the control register has no safe name

/// Sets the standard environment for the current thread.
#[cfg(target_arch = "x86_64")]
pub fn standard() {
    /// Every exception masked, no flag, round to nearest, neither FTZ nor DAZ: the value after a reset.
    const MXCSR: u32 = 0x1f80;
    // SAFETY: SSE is part of x86-64; the operand is a readable word, and this value sets no reserved bit. It is the
    // environment that Rust itself assumes.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &MXCSR, options(nostack, readonly, preserves_flags)) }
}

/// Sets the standard environment for the current thread.
#[cfg(target_arch = "aarch64")]
pub fn standard() {
    // SAFETY: FPCR can be written at every privilege level, and 0 is its value after a reset, which Rust itself assumes.
    unsafe { std::arch::asm!("msr fpcr, xzr", options(nomem, nostack, preserves_flags)) }
}

/// Nothing is known of the environment of other machines.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn standard() {}
