//! Any calls of WASI functions, with a directory that is made anew for each run.

#![no_main]

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use sampan_wasi::{Abi, DirPerms, GuestMemory, OutputPipe, WasiCtx, functions};

const MEMORY: usize = 1 << 12;

fuzz_target!(|bytes: &[u8]| {
    // It ends when the bytes do.
    let _ = calls(&mut Unstructured::new(bytes));
});

fn calls(u: &mut Unstructured<'_>) -> Result<()> {
    let outer = tempfile::tempdir().expect("a directory can be made");
    let dir = outer.path().join("dir");
    std::fs::create_dir_all(dir.join("b")).expect("a directory can be made");
    std::fs::write(dir.join("a"), "text").expect("a file can be made");
    std::fs::write(outer.path().join("secret"), "secret").expect("a file can be made");
    let mut builder = WasiCtx::builder();
    builder
        .args(["program", "argument"])
        .env("A", "B")
        .stdin(std::io::repeat(b'x'))
        .stdout(OutputPipe::new(1 << 16))
        .preopened_dir(&dir, "/", DirPerms::ReadWrite)
        .preopened_dir(&dir, "/ro", DirPerms::ReadOnly)
        .max_fds(12);
    let mut ctx = builder.build().expect("the directory is there");
    let mut memory = vec![0; MEMORY];
    while !u.is_empty() {
        for _ in 0..u.int_in_range(0..=6)? {
            let at = u.int_in_range(0..=MEMORY - 8)?;
            let value: u64 = match u.int_in_range(0..=3)? {
                0 => u.arbitrary()?,
                1 => u64::from_le_bytes(**u.choose(&[b"../a/b/c", b"../secre", b"b/../../"])?),
                2 => u64::from(*u.choose(b"ab./")?),
                _ => u.int_in_range(0..=MEMORY as u64)? | u.int_in_range(0..=300u64)? << 32,
            };
            memory[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let table = functions(*u.choose(&Abi::ALL)?);
        let function = u.choose(table)?;
        // These wait, or take room on the disk, for as much as they are told.
        if matches!(function.name, "poll_oneoff" | "fd_allocate" | "fd_filestat_set_size") {
            continue;
        }
        let args: Vec<u64> = function.params.iter().map(|_| argument(u)).collect::<Result<_>>()?;
        let _ = (function.call)(&mut ctx, &mut GuestMemory::new(&mut memory), &args);
    }
    let secret = std::fs::read(outer.path().join("secret")).expect("it is still there");
    assert_eq!(secret, b"secret", "nothing outside the directory changes");
    let outside = std::fs::read_dir(outer.path()).expect("it is still there").count();
    assert_eq!(outside, 2, "nothing appears outside the directory");
    Ok(())
}

/// Something that might be a descriptor, an address, a length or a flag.
fn argument(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=7)? {
        0..=3 => u.int_in_range(0..=9)?,
        4 | 5 => u.int_in_range(0..=MEMORY as u64)?,
        6 => u64::from(u32::MAX) - u.int_in_range(0..=70)?,
        _ => u.arbitrary()?,
    })
}
