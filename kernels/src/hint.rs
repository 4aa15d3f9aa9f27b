//! Hints to the machine: the only unsafe code of the kernels. Neither changes what is computed.

#![allow(unsafe_code)] // an intrinsic and a system call, each with its SAFETY line

/// Asks for the cache line of `x`, into L2 (hint T1): L1 belongs to the register tiles.
#[inline(always)]
pub(crate) fn fetch<T>(x: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch reads and writes no memory and cannot fault, whatever the address; here
        // it is that of a live reference. SSE is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(x).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

/// Asks for huge pages (2 MiB) behind `x`, which should not have been touched yet: streaming through
/// pages of 4 KiB costs an address translation every 64 cache lines. Small slices are left alone.
pub fn huge_pages<T>(x: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        const HUGE: usize = 2 << 20;
        const MADV_HUGEPAGE: i32 = 14;
        unsafe extern "C" {
            fn madvise(address: *mut std::ffi::c_void, length: usize, advice: i32) -> i32;
        }
        let start = (x.as_mut_ptr() as usize).next_multiple_of(PAGE);
        let end = (x.as_mut_ptr() as usize + size_of_val(x)) / PAGE * PAGE;
        if end > start && end - start >= HUGE {
            // SAFETY: the range lies within `x`, which is borrowed exclusively, and the advice leaves its
            // content as it is. A kernel that does not know it returns an error, which is no loss.
            unsafe { madvise(start as *mut _, end - start, MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = x;
}
