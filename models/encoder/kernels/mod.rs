//! The arithmetic of an encoder on plain `f32` rows: one product, and what is done to a row.
//!
//! Every number is a fixed chain of additions, multiplications and fused multiply-adds over its own row, whatever
//! stands in other rows, and the chain is the same with AVX-512, AVX2 and without: so scores are the same bits in any
//! batch, on any number of threads, on any machine. (A library product would group its sums by the size of the
//! caches and of the batch.) The weights are laid out once for the processor's registers, which a general product has to
//! do at each call.

mod bytes;
mod gemm;
mod rows;

pub use bytes::{ByteStrip, Bytes};
pub use gemm::{COLUMNS, Panels, ROWS, Strip, Tile};
use rows::ROUND;
pub use rows::{Activation, exp};

/// Which instructions are used. The numbers are the same with all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256 bits, with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor has.
    Plain,
}

impl Instructions {
    /// The best that this processor has.
    pub fn detect() -> Instructions {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Instructions::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Instructions::Avx2;
            }
        }
        Instructions::Plain
    }

    /// All that this processor has.
    #[cfg(test)]
    pub fn all() -> Vec<Instructions> {
        let mut all = vec![Instructions::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Instructions::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                all.push(Instructions::Avx512);
            }
        }
        all
    }
}

/// Makes a method of [`Instructions`] of a plain function: the compiler turns the same lines into the instructions
/// that there are.
macro_rules! with_instructions {
    ($(#[$about:meta])* $name:ident ($($argument:ident: $type:ty),*)) => {
        impl crate::encoder::kernels::Instructions {
            $(#[$about])*
            #[inline]
            pub fn $name(self, $($argument: $type),*) {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx512f,avx2,fma")]
                    fn avx512($($argument: $type),*) {
                        $name($($argument),*)
                    }
                    #[target_feature(enable = "avx2,fma")]
                    fn avx2($($argument: $type),*) {
                        $name($($argument),*)
                    }
                    match self {
                        // SAFETY: `Instructions::detect` found these on this processor.
                        Self::Avx512 => return unsafe { avx512($($argument),*) },
                        // SAFETY: as above.
                        Self::Avx2 => return unsafe { avx2($($argument),*) },
                        Self::Plain => {}
                    }
                }
                $name($($argument),*)
            }
        }
    };
}
pub(crate) use with_instructions;
