//! What the page gives the kernel. Addresses and lengths are of this module's memory;
//! times are milliseconds, as JavaScript has them.

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Milliseconds since the epoch of Unix.
    pub safe fn realtime() -> f64;
    /// Milliseconds since some moment; never goes back.
    pub safe fn monotonic() -> f64;
    /// Fills memory with what nobody can guess.
    pub fn random(at: *mut u8, len: usize);
    /// Writes to the console.
    pub fn console_write(at: *const u8, len: usize);
    /// Reads from a stream: how much, -1 for not now, -2 for broken.
    pub fn stream_read(stream: u32, at: *mut u8, len: usize) -> i32;
    /// Writes to a stream; as above.
    pub fn stream_write(stream: u32, at: *const u8, len: usize) -> i32;
    /// Whether a read (`write`: a write) would do something now.
    pub safe fn stream_ready(stream: u32, write: u32) -> u32;
    /// A line for whoever runs the VM.
    pub fn log(at: *const u8, len: usize);
}

#[link(wasm_import_module = "machines")]
unsafe extern "C" {
    /// A new process's memory: its number, or -1 if the browser has none left.
    pub safe fn create() -> i32;
    /// A copy of one: its number, or -1.
    pub safe fn fork(machine: i32) -> i32;
    /// Gives one back.
    pub safe fn release(machine: i32);
    /// Runs the turn at an address, which is replaced by its outcome; 0 if the processor
    /// itself failed.
    pub fn run(machine: i32, turn: *mut sampan_web_abi::Turn) -> u32;
    /// Asks one; see `sampan_web_abi::op`.
    pub safe fn call(machine: i32, what: u32, a: u64, b: u64, c: u64) -> u64;
    /// Copies a program's bytes to this module's memory, after `call` allowed it.
    pub fn copy_out(machine: i32, addr: u64, at: *mut u8, len: usize);
    /// Copies this module's bytes to a program's memory, after `call` allowed it.
    pub fn copy_in(machine: i32, addr: u64, at: *const u8, len: usize);
}

#[link(wasm_import_module = "disks")]
unsafe extern "C" {
    /// Bytes of a disk. Disks and folders have the page's numbers.
    pub safe fn size(disk: u32) -> f64;
    /// Reads all of it: 0, -1 for not now, else the number of an error.
    pub fn read(disk: u32, offset: f64, at: *mut u8, len: usize) -> i32;
    /// Writes all of it; as above.
    pub fn write(disk: u32, offset: f64, at: *const u8, len: usize) -> i32;
    /// Makes all that was written safe, or nothing; as above.
    pub safe fn flush(disk: u32) -> i32;
    /// What is in a range does not matter any more.
    pub safe fn discard(disk: u32, offset: f64, len: f64);
    /// Whether there is no room for more.
    pub safe fn is_full(disk: u32) -> u32;
    /// Whether a disk takes no writes.
    pub safe fn read_only(disk: u32) -> u32;
}

#[link(wasm_import_module = "folders")]
unsafe extern "C" {
    /// What a path is: 1 a file, 2 a directory, 0 nothing, -1 not known yet, -2 failed.
    pub fn kind(folder: u32, path: *const u8, len: usize) -> i32;
    /// Bytes of a file whose kind was told.
    pub fn length(folder: u32, path: *const u8, len: usize) -> f64;
    /// Reads a file whose kind was told; how much, -1 for not now, -2 for failed.
    pub fn contents(
        folder: u32,
        path: *const u8,
        len: usize,
        offset: f64,
        at: *mut u8,
        size: usize,
    ) -> i32;
    /// How many bytes `listing` gives for a directory: its names, each with a zero behind.
    pub fn list(folder: u32, path: *const u8, len: usize) -> i32;
    /// The names that `list` found.
    pub fn listing(at: *mut u8, len: usize);
}

/// Connections between the guest and the outside, by the page's numbers. Answers below zero are
/// an error's number, negated.
#[link(wasm_import_module = "network")]
unsafe extern "C" {
    /// A connection that came for a port of the guest: its number, or -1.
    pub safe fn accept() -> i32;
    /// The port of the guest that it is for.
    pub safe fn port(connection: u32) -> u32;
    /// Whether there is a way to an address of 16 bytes: 0 if there is.
    pub fn reaches(address: *const u8) -> i32;
    /// Begins to connect by TCP to an address of 16 bytes: the connection's number.
    pub fn connect(address: *const u8, port: u32) -> i32;
    /// A socket of UDP for an address of 16 bytes, and for no other: its number.
    pub fn datagrams(address: *const u8, port: u32) -> i32;
    /// 0 once that is done.
    pub safe fn connected(connection: u32) -> i32;
    /// Sends: how much.
    pub fn send(connection: u32, at: *const u8, len: usize) -> i32;
    /// Receives: how much; 0 at the end.
    pub fn receive(connection: u32, at: *mut u8, len: usize) -> i32;
    /// Nothing more will be sent.
    pub safe fn finish(connection: u32);
    /// Lets go of it.
    pub safe fn close(connection: u32);
}
