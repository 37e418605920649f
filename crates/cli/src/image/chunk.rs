//! `sampan image chunk`: cuts an image into chunks that any web server for static files serves.

use super::chunks::{self, CHUNK, Hash, Index};
use crate::args::Chunk;
use crate::report::Exit;
use flate2::{Compression, GzBuilder};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes the folder. Chunks that are there stay: they have the same content.
pub fn chunk(args: &Chunk) -> Result<Exit, String> {
    let shown = args.image.display();
    let fail = |error: std::io::Error| format!("{shown}: {error}");
    let size = File::open(&args.image).and_then(|mut file| file.seek(SeekFrom::End(0)));
    let size = size.map_err(fail)?;
    // So that a mistaken name is noticed before all of it is packed.
    super::show::open(&args.image)?;
    let count = size.div_ceil(CHUNK as u64);
    std::fs::create_dir_all(args.output.join("maps"))
        .map_err(|error| format!("{}: {error}", args.output.display()))?;

    let bar = super::progress(size);
    let next = AtomicU64::new(0);
    let found: Mutex<Vec<Option<Hash>>> = Mutex::new(vec![None; count as usize]);
    let threads = std::thread::available_parallelism().map_or(1, |number| number.get().min(16));
    let work = || -> Result<(), String> {
        let mut file = File::open(&args.image).map_err(fail)?;
        let mut bytes = vec![0; CHUNK];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            let start = number * CHUNK as u64;
            let length = (size - start).min(CHUNK as u64) as usize;
            let part = &mut bytes[..length];
            file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(part)).map_err(fail)?;
            if part.iter().any(|&byte| byte != 0) {
                let hash = chunks::hash(part);
                put(&args.output.join(chunks::place(&hash)), part, number)?;
                found.lock().expect("no thread panics")[number as usize] = Some(hash);
            }
            bar.inc(length as u64);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })?;
    bar.finish_and_clear();

    let mut hashes = Vec::new();
    let mut numbers: HashMap<Hash, u32> = HashMap::new();
    let mut which = Vec::with_capacity(count as usize);
    for hash in found.into_inner().expect("no thread panics") {
        which.push(hash.map_or(0, |hash| {
            *numbers.entry(hash).or_insert_with(|| {
                hashes.push(hash);
                hashes.len() as u32
            })
        }));
    }
    let map = chunks::map_bytes(&hashes, &which);
    let name = format!("maps/{}", chunks::name(&chunks::hash(&map)));
    put(&args.output.join(&name), &map, 0)?;
    let index = Index { size, chunk: CHUNK as u64, map: name, preload: Vec::new() };
    write_index(&args.output, &index)?;
    Ok(Exit::Success)
}

/// Puts the index into a folder, in place of one that may be there.
pub fn write_index(folder: &Path, index: &Index) -> Result<(), String> {
    replace(&folder.join("index.json"), index.to_json().as_bytes(), 0)
}

/// Writes a packed file, unless it is there. `number` tells threads apart.
fn put(path: &Path, bytes: &[u8], number: u64) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    // With neither a name nor a time the same content gives the same file.
    let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let packed = packed.write_all(bytes).and_then(|()| packed.finish());
    replace(path, &packed.expect("memory takes all"), number)
}

fn replace(path: &Path, bytes: &[u8], number: u64) -> Result<(), String> {
    let scratch = path.with_extension(format!("new-{}-{number}", std::process::id()));
    let parent = path.parent().expect("it is below the folder");
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(&scratch, bytes))
        .and_then(|()| std::fs::rename(&scratch, path))
        .map_err(|error| format!("{}: {error}", path.display()))
}
