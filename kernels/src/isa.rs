//! Instruction sets: one source, compiled for each, always with 512-bit vectors.
//!
//! AVX-512 holds a vector in one register, AVX2 in two, and without either a vector is an array of
//! lanes whose operations the compiler maps to what there is. The results have the same bits.

use pulp::{Arch, Simd, WithSimd};
use std::sync::OnceLock;

/// The instruction set that was chosen for this process.
static CHOSEN: OnceLock<Isa> = OnceLock::new();

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub enum Isa {
    /// Plain code, for any machine.
    Scalar,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    V3(pulp::x86::V3),
    /// AVX-512 (F, BW, CD, DQ, VL).
    #[cfg(target_arch = "x86_64")]
    V4(pulp::x86::V4),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
}

impl Isa {
    /// Every instruction set of this machine, the best last.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Self::V3));
            all.extend(pulp::x86::V4::try_new().map(Self::V4));
        }
        #[cfg(target_arch = "aarch64")]
        all.extend(pulp::aarch64::Neon::try_new().map(Self::Neon));
        all
    }

    /// The best instruction set of this machine.
    pub fn best() -> Self {
        match Arch::new() {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(isa) => Self::V4(isa),
            #[cfg(target_arch = "x86_64")]
            Arch::V3(isa) => Self::V3(isa),
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(isa) => Self::Neon(isa),
            _ => Self::Scalar,
        }
    }

    /// The one that everything in this process uses where none is given: what [`Isa::choose`] chose, or the best.
    pub fn current() -> Self {
        CHOSEN.get().copied().unwrap_or_else(Self::best)
    }

    /// Makes it the one that this process uses; to be called before any work. Whether there was no choice before.
    pub fn choose(self) -> bool {
        CHOSEN.set(self).is_ok()
    }

    /// The one of this name, if this machine has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|isa| isa.name() == name)
    }

    /// Its name: scalar, avx2, avx512, neon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::V3(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::V4(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    /// Runs `op` compiled for this instruction set, with its own registers in place of 512 bits: for plain loops over
    /// arrays of fixed length.
    #[inline]
    pub fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        let arch = match self {
            Self::Scalar => Arch::Scalar,
            #[cfg(target_arch = "x86_64")]
            Self::V3(isa) => Arch::V3(isa),
            #[cfg(target_arch = "x86_64")]
            Self::V4(isa) => Arch::V4(isa),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(isa) => Arch::Neon(isa),
        };
        arch.dispatch(op)
    }

    /// Runs `op` compiled for this instruction set.
    #[inline]
    pub fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self {
            Self::Scalar => op.with_simd(pulp::Scalar512b),
            // `V3_512b` does not vectorize by itself: enter V3, then use pairs of its registers.
            #[cfg(target_arch = "x86_64")]
            Self::V3(v3) => v3.vectorize(
                #[inline(always)]
                || op.with_simd(pulp::x86::V3_512b(v3)),
            ),
            #[cfg(target_arch = "x86_64")]
            Self::V4(v4) => Simd::vectorize(v4, op),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(neon) => neon.vectorize(
                #[inline(always)]
                || op.with_simd(pulp::Scalar512b),
            ),
        }
    }
}

/// Whether S has registers for 24 accumulators of 512 bits (AVX-512); otherwise six must do.
pub(crate) const fn wide<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}
