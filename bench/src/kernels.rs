//! What is run, with arguments that keep the native program busy for about
//! 0.15 s or more and an interpreter for a few seconds.

/// A program in `kernels/`.
pub struct Kernel {
    /// What the table calls it.
    pub name: &'static str,
    /// The module's name without its ending.
    pub module: &'static str,
    /// The native program.
    pub native: &'static str,
    /// What it mostly does.
    pub about: &'static str,
    /// Its arguments.
    pub args: &'static [&'static str],
    /// Whether it counts in the geometric mean.
    pub mean: bool,
}

const fn kernel(name: &'static str, about: &'static str, args: &'static [&'static str]) -> Kernel {
    Kernel { name, module: name, native: name, about, args, mean: true }
}

/// A kernel outside the mean, with the reason beside it.
const fn extra(name: &'static str, about: &'static str, args: &'static [&'static str]) -> Kernel {
    Kernel { name, module: name, native: name, about, args, mean: false }
}

/// One program with so many threads.
const fn threads(name: &'static str, args: &'static [&'static str]) -> Kernel {
    let about = "a counter under a lock, division";
    Kernel { module: "primes", native: "primes", ..extra(name, about, args) }
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
    // Structs on the collected heap, over malloc and free natively; wasmi and wasm3 have none.
    Kernel { native: "binarytrees", ..extra("gctrees", "structs that are collected", &["16"]) },
    // Of the engines, sampan alone has wasi-threads; the table has a line for the speed-up.
    threads(ONE_THREAD, &["1", "1500000"]),
    threads(TWO_THREADS, &["2", "1500000"]),
];

/// The name of the program with one thread beside the first, and with two.
pub const ONE_THREAD: &str = "one thread";
pub const TWO_THREADS: &str = "two threads";

/// The trivial program whose start-up is measured.
pub const HELLO: Kernel = extra("hello", "start-up", &[]);
