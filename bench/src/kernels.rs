//! What is run, with arguments that keep the native program busy for about
//! 0.15 s or more and an interpreter for a few seconds.

/// A program in `kernels/`.
pub struct Kernel {
    /// The file's name without its ending.
    pub name: &'static str,
    /// What it mostly does.
    pub about: &'static str,
    /// Its arguments.
    pub args: &'static [&'static str],
    /// Whether it counts in the geometric mean.
    pub mean: bool,
}

const fn kernel(name: &'static str, about: &'static str, args: &'static [&'static str]) -> Kernel {
    Kernel { name, about, args, mean: true }
}

/// A kernel outside the mean, with the reason beside it.
const fn extra(name: &'static str, about: &'static str, args: &'static [&'static str]) -> Kernel {
    Kernel { name, about, args, mean: false }
}

/// The twelve of the mean, which is compared over time, then others.
pub const KERNELS: &[Kernel] = &[
    kernel("fib", "direct calls", &["39"]),
    kernel("sieve", "bytes in memory", &["1000000", "90"]),
    kernel("nbody", "floating point", &["2000000"]),
    kernel("mandelbrot", "floating point in registers", &["1000", "160"]),
    kernel("sha256", "32-bit integers", &["1024", "50"]),
    kernel("quicksort", "loops over memory", &["500000", "5"]),
    kernel("vm", "a switch in a loop", &["220000"]),
    kernel("matmul", "floating point in memory", &["300", "40"]),
    kernel("base64", "bytes and tables", &["1024", "140"]),
    kernel("fannkuch", "small arrays", &["10"]),
    kernel("spectralnorm", "division", &["1800"]),
    kernel("binarytrees", "malloc and free", &["16"]),
    extra("indirect", "calls through tables", &["4096", "30"]),
    // Native code uses 128-bit instructions too; wasm3 has none.
    extra("simd", "128-bit operations", &["1024", "300"]),
    // Native code has the C library's vector loops, the module has loops over bytes.
    extra("memstr", "the C library's byte loops", &["3000"]),
];

/// The trivial program whose start-up is measured.
pub const HELLO: Kernel = extra("hello", "start-up", &[]);
