//! The instruction set that kernels dispatch to on this machine.

/// Its name: `x86-64 AVX-512`, `x86-64 AVX2`, `aarch64 NEON`, or `scalar`.
pub fn name() -> &'static str {
    match pulp::Arch::new() {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        pulp::Arch::V4(_) => "x86-64 AVX-512",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        pulp::Arch::V3(_) => "x86-64 AVX2",
        #[cfg(target_arch = "aarch64")]
        pulp::Arch::Neon(_) => "aarch64 NEON",
        _ => "scalar",
    }
}
