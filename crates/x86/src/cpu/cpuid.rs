//! What the processor says of itself: exactly what it executes.
//!
//! Source: Intel SDM vol. 2, CPUID; x86-64 psABI, table of micro-architecture levels.

use crate::Mode;

/// A vendor that C libraries know: glibc looks at the features of no other's processors,
/// and then refuses to start.
const VENDOR: [u32; 3] = [word(b"Auth"), word(b"enti"), word(b"cAMD")];
/// Family 15, as the first that executed 64-bit code.
const SIGNATURE: u32 = 0x0006_0fb1;
const BRAND: &[u8; 48] =
    b"sampan x86 interpreter\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

const fn word(bytes: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*bytes)
}

/// FPU, TSC, CX8, SEP (i386 only), CMOV, CLFSH, MMX, FXSR, SSE, SSE2.
const FEATURES_D: u32 =
    1 | 1 << 4 | 1 << 8 | 1 << 15 | 1 << 19 | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26;
const SEP: u32 = 1 << 11;
/// SSE3, SSSE3, CX16, SSE4.1, SSE4.2, POPCNT, and that this is no bare machine.
const FEATURES_C: u32 = 1 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 | 1 << 23 | 1 << 31;

/// `eax`, `ebx`, `ecx`, `edx` of a leaf.
pub(super) fn leaf(mode: Mode, leaf: u32, _subleaf: u32) -> [u32; 4] {
    let long = mode == Mode::Amd64;
    match leaf {
        0 => [1, VENDOR[0], VENDOR[2], VENDOR[1]],
        // Lines of 64 bytes for clflush.
        1 => [SIGNATURE, 8 << 8 | 1 << 16, FEATURES_C, FEATURES_D | if long { 0 } else { SEP }],
        0x8000_0000 => [0x8000_0008, VENDOR[0], VENDOR[2], VENDOR[1]],
        0x8000_0001 => {
            // LAHF in 64-bit mode; SYSCALL (64-bit only), NX, RDTSCP, long mode.
            let d = 1 << 20 | 1 << 27 | 1 << 29 | if long { 1 << 11 } else { 0 };
            [SIGNATURE, 0, 1, d]
        }
        0x8000_0002..=0x8000_0004 => {
            let at = (leaf - 0x8000_0002) as usize * 16;
            let part = |i: usize| {
                let at = at + i * 4;
                u32::from_le_bytes([BRAND[at], BRAND[at + 1], BRAND[at + 2], BRAND[at + 3]])
            };
            [part(0), part(1), part(2), part(3)]
        }
        // Caches, by which C libraries choose how to copy: 64 KiB of data and of code, two
        // ways; 1 MiB behind them, 16 ways; lines of 64 bytes.
        0x8000_0005 => [0, 0, 0x4002_0140, 0x4002_0140],
        0x8000_0006 => [0, 0, 0x0400_8140, 0],
        // 32 bits of physical and 48 of linear address.
        0x8000_0008 => [48 << 8 | 32, 0, 0, 0],
        _ => [0; 4],
    }
}
